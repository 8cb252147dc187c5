import type { StreamInfo } from "@nats-io/jetstream";
import type { NatsConnection } from "@nats-io/transport-node";
import { type Clock, inRounds, SYSTEM_CLOCK } from "../flow/clock.ts";
import type { Session } from "./session.ts";
import { majoritySilentMs } from "./stream-pulse.ts";

const EVERY_MS = 750;
/** Where others have done no better so often in a row, no server can do it for long: each look is a connection. */
const OFTEN = 16;
const RARELY_MS = 10_000;
/** Leaders answer within milliseconds, mostly; one that is late is late for the other connection as well. */
const ANSWER_MS = 300;
const CONNECT_MS = 1000;
/** Servers of a cluster hear of each other every second. */
const UNHEARD_MS = 2000;
/** So much in that time comes from no server that is cut off, and answers wait behind it. */
const BUSY_BYTES = 65_536;
/** The server's `err_code` for "no leader". */
const NOT_AVAILABLE = 10_008;

/**
 * Finds out within 2 s that our server is cut off from the others of its cluster, and leaves it: through another server all
 * streams are led that are through ours, and more. During an election they are led nowhere, and we stay.
 *
 * @returns ends it.
 */
export function watchCutOff(session: Session, streams: readonly string[], clock: Clock = SYSTEM_CLOCK): () => void {
  const { nc } = session;
  if (nc.info?.cluster === undefined) return () => {};

  let inVain = 0;

  async function look(): Promise<void> {
    if (!session.isConnected()) return;
    const server = nc.getServer();
    const areLed = (await ledOf(nc, streams)).length === streams.length;
    inVain = areLed ? 0 : inVain + 1;
    if (areLed) return;
    const other = await session.connectElsewhere(CONNECT_MS);
    if (other === undefined) return;
    const better = other.getServer();
    const [here, there] = await Promise.all([ledOf(nc, streams), ledOf(other, streams)]);
    await other.close();
    // A leader that is cut off itself answers for a while: through its server some do, and others do not.
    const isBetterThere = there.length > here.length && here.every((stream) => there.includes(stream));
    if (!isBetterThere || !session.isConnected() || nc.getServer() !== server) return;
    inVain = 0;
    session.leaveServer(better);
  }

  return inRounds(clock, EVERY_MS, async () => {
    // What cannot be asked now is asked in the next round.
    await look().catch(() => {});
    return inVain > OFTEN ? RARELY_MS : EVERY_MS;
  });
}

/** Those of which a leader answers with a majority behind it; all, where deliveries hold its answers up. */
async function ledOf(nc: NatsConnection, streams: readonly string[]): Promise<readonly string[]> {
  const before = nc.stats().inBytes;
  const answers = await Promise.all(streams.map((stream) => isLed(nc, stream)));
  const isBusy = nc.stats().inBytes - before > BUSY_BYTES;
  return streams.filter((_, index) => isBusy || answers[index]);
}

async function isLed(nc: NatsConnection, stream: string): Promise<boolean> {
  try {
    const message = await nc.request(`$JS.API.STREAM.INFO.${stream}`, "", { timeout: ANSWER_MS });
    const { error, config, cluster } = message.json<Answer>();
    if (error !== undefined) return error.err_code !== NOT_AVAILABLE;
    return config === undefined || majoritySilentMs({ config, cluster }) <= UNHEARD_MS;
  } catch {
    return false;
  }
}

type Answer = Partial<StreamInfo> & { readonly error?: { readonly err_code?: number } };
