import { type NatsConnection, RequestError, TimeoutError } from "@nats-io/transport-node";
import { z } from "zod";
import { type Clock, SYSTEM_CLOCK } from "../flow/clock.ts";
import type { Lane } from "../wire/lanes.ts";
import { daemonSubject } from "../wire/names.ts";
import type { Reply } from "./handover.ts";
import type { Presence } from "./presence.ts";

const QUESTION = "yield";
/** A holder publishes first what a lane has led to. */
const ANSWER_MS = 2000;

const asked = z.object({ stream: z.string(), partition: z.int().min(0) });

/** Asks a daemon for a lane that it holds. Rejects while NATS is away. */
export async function askToYield(nc: NatsConnection, holder: string, lane: Lane): Promise<Reply> {
  const { stream, partition } = lane;
  const question = JSON.stringify({ stream, partition });
  try {
    const answer = await nc.request(daemonSubject(holder, QUESTION), question, { timeout: ANSWER_MS });
    return answer.string() === "yielded" ? "yielded" : "refused";
  } catch (error) {
    if (error instanceof RequestError && error.isNoResponders()) return "absent";
    if (error instanceof TimeoutError) return "silent";
    throw error;
  }
}

/** Well before the asker takes it for silence. */
const LATER_MS = 1000;

/**
 * Answers whoever asks for a lane of ours. One that is busy refuses at first, and goes on giving: it is asked again.
 *
 * @param give - resolves when it may read it; false: it is not its to have.
 */
export function answerYields(
  presence: Pick<Presence, "answer">,
  lanes: readonly Lane[],
  give: (lane: Lane) => Promise<boolean>,
  clock: Clock = SYSTEM_CLOCK,
): void {
  presence.answer(QUESTION, (message) => {
    const wanted = readWanted(message.string());
    const lane = lanes.find(({ stream, partition }) => stream === wanted?.stream && partition === wanted.partition);
    if (lane === undefined) {
      message.respond("refused");
      return;
    }
    let respond = (reply: Reply) => void message.respond(reply);
    const say = (reply: Reply) => {
      respond(reply);
      respond = () => {};
    };
    const cancel = clock.after(LATER_MS, () => say("refused"));
    void give(lane).then((isGiven) => {
      cancel();
      say(isGiven ? "yielded" : "refused");
    });
  });
}

function readWanted(json: string): z.infer<typeof asked> | undefined {
  try {
    return asked.safeParse(JSON.parse(json)).data;
  } catch {
    return undefined;
  }
}
