import { JetStreamApiCodes, type StreamInfo } from "@nats-io/jetstream";
import { apiErrorCode } from "./connect.ts";

/**
 * Knows whether JetStream answers for the streams, and with a majority of their servers behind it. A connection says
 * nothing about that: with two servers of three gone it stays up. Nor does an answer alone: a leader that has lost its
 * majority answers for 20 s more, and a server that is left over answers without a leader.
 */
export interface StreamPulse {
  /** Undefined while all of them can be used. */
  trouble(): StreamTrouble | undefined;
  /** Asks now: what was asked before has gone with the connection. */
  askAnew(): void;
  stop(): void;
}

export interface StreamTrouble {
  /** For a person, a line; the same for as long as it lasts, mostly. */
  readonly what: string;
  readonly silentMs: number;
}

export interface StreamPulseOptions {
  readonly streams: readonly string[];
  /** Answers within 2 s or rejects. */
  readonly ask: (stream: string) => Promise<StreamInfo>;
  /** Monotonic, ms. */
  readonly now?: () => number;
}

const EVERY_MS = 1000;
/** Servers of a cluster hear of each other every second, and we of them every other. */
export const SILENT_MS = 3500;

interface Beat {
  /** When a majority was known to be there last. */
  readonly seenMs: number;
  /** Why not since, if not. */
  readonly why: string;
}

/** Asks for every stream once a second. */
export function createStreamPulse(options: StreamPulseOptions): StreamPulse {
  const { streams, ask, now = () => performance.now() } = options;
  const beats = new Map<string, Beat>(streams.map((stream) => [stream, { seenMs: now(), why: "no answer yet" }]));
  /** Of each stream, the question that is open. */
  const asking = new Map<string, symbol>();

  async function beat(stream: string): Promise<void> {
    if (asking.has(stream)) return;
    const mine = Symbol(stream);
    asking.set(stream, mine);
    const { seenMs } = beats.get(stream) ?? { seenMs: 0 };
    try {
      const silentMs = majoritySilentMs(await ask(stream));
      if (asking.get(stream) !== mine) return;
      beats.set(stream, { seenMs: Math.max(seenMs, now() - silentMs), why: "most of its servers are gone" });
    } catch (error) {
      if (asking.get(stream) !== mine) return;
      // That it is gone is an answer, and another check's to say.
      const isAnswer = apiErrorCode(error) === JetStreamApiCodes.StreamNotFound;
      beats.set(stream, { seenMs: isAnswer ? now() : seenMs, why: (error as Error).message });
    }
    asking.delete(stream);
  }

  const askAll = () => {
    for (const stream of streams) void beat(stream);
  };
  askAll();
  const timer = setInterval(askAll, EVERY_MS);

  return {
    trouble() {
      const silent = [...beats].filter(([, { seenMs }]) => now() - seenMs > SILENT_MS);
      const [first] = silent;
      if (first === undefined) return undefined;
      const names = silent.map(([stream]) => stream).join(", ");
      const what = `JetStream does not answer for ${names} (${first[1].why}): nothing is read or stored until it does. Are enough servers of the cluster up?`;
      return { what, silentMs: now() - Math.min(...silent.map(([, { seenMs }]) => seenMs)) };
    },
    askAnew() {
      asking.clear();
      askAll();
    },
    stop: () => clearInterval(timer),
  };
}

/**
 * How long ago a majority of a stream's servers, the leader that answers included, was heard of.
 *
 * @returns ms; infinite when there is no leader.
 */
export function majoritySilentMs({ config, cluster }: Pick<StreamInfo, "config" | "cluster">): number {
  const others = Math.floor(config.num_replicas / 2);
  if (others === 0 || cluster === undefined) return 0;
  if (!cluster.leader) return Number.POSITIVE_INFINITY;
  const heardMs = (cluster.replicas ?? [])
    .filter(({ offline }) => !offline)
    .map(({ active }) => active / 1_000_000)
    .sort((a, b) => a - b);
  return heardMs[others - 1] ?? Number.POSITIVE_INFINITY;
}
