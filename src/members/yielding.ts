import { type NatsConnection, RequestError, TimeoutError } from "@nats-io/transport-node";
import { z } from "zod";
import { type Clock, SYSTEM_CLOCK } from "../flow/clock.ts";
import type { Lane } from "../wire/lanes.ts";
import { daemonSubject } from "../wire/names.ts";
import type { Reply } from "./handover.ts";
import type { Presence } from "./presence.ts";

const QUESTION = "yield";
const YIELDED = "yielded";
/** A holder publishes first what a lane has led to. */
const ANSWER_MS = 2000;

const ids = z.array(z.string());
/** A natstate of before does not say who is quarantined, and understands no more than the word. */
const asked = z.object({ stream: z.string(), partition: z.int().min(0), quarantined: ids.max(1000).default([]) });

/**
 * Asks a daemon for a lane that it holds. Rejects while NATS is away.
 *
 * @param quarantined - actors that are so in our copy, by id, at most 1000.
 * @returns with the reply those of them that the holder has released: no message of a stream tells that.
 */
export async function askToYield(
  nc: NatsConnection,
  holder: string,
  { stream, partition }: Lane,
  quarantined: readonly string[],
): Promise<{ readonly reply: Reply; readonly released: readonly string[] }> {
  const question = JSON.stringify({ stream, partition, quarantined });
  const nobody = (reply: Reply) => ({ reply, released: [] });
  try {
    const answer = await nc.request(daemonSubject(holder, QUESTION), question, { timeout: ANSWER_MS });
    const said = answer.string();
    if (!said.startsWith(YIELDED)) return nobody("refused");
    const named = new Set(read(ids, said.slice(YIELDED.length)));
    // Whoever else is named may be of another lane.
    return { reply: YIELDED, released: quarantined.filter((actorId) => named.has(actorId)) };
  } catch (error) {
    if (error instanceof RequestError && error.isNoResponders()) return nobody("absent");
    if (error instanceof TimeoutError) return nobody("silent");
    throw error;
  }
}

/** Well before the asker takes it for silence. */
const LATER_MS = 1000;

/**
 * Answers whoever asks for a lane of ours. One that is busy refuses at first, and goes on giving: it is asked again.
 *
 * @param give - resolves when it may read it, with those of the quarantined actors that are released here; undefined: it is
 *   not its to have.
 */
export function answerYields(
  presence: Pick<Presence, "answer">,
  lanes: readonly Lane[],
  give: (lane: Lane, quarantined: readonly string[]) => Promise<readonly string[] | undefined>,
  clock: Clock = SYSTEM_CLOCK,
): void {
  presence.answer(QUESTION, (message) => {
    const wanted = read(asked, message.string());
    const lane = lanes.find(({ stream, partition }) => stream === wanted?.stream && partition === wanted.partition);
    if (wanted === undefined || lane === undefined) {
      message.respond("refused");
      return;
    }
    let respond = (reply: string) => void message.respond(reply);
    const say = (reply: string) => {
      respond(reply);
      respond = () => {};
    };
    const cancel = clock.after(LATER_MS, () => say("refused"));
    void give(lane, wanted.quarantined).then((released) => {
      cancel();
      if (released === undefined) say("refused");
      else say(released.length === 0 ? YIELDED : `${YIELDED}${JSON.stringify(released)}`);
    });
  });
}

function read<Shape>(schema: z.ZodType<Shape>, json: string): Shape | undefined {
  try {
    return schema.safeParse(JSON.parse(json)).data;
  } catch {
    return undefined;
  }
}
