import { type NatsConnection, TimeoutError } from "@nats-io/transport-node";
import { z } from "zod";
import type { AlikeAnswer, AlikeQuestion } from "../flow/alike.ts";
import { isNobody } from "../jetstream/connect.ts";
import type { Lane } from "../wire/lanes.ts";
import { daemonSubject } from "../wire/names.ts";
import type { Presence } from "./presence.ts";

const QUESTION = "alike";
const ANSWER_MS = 2000;
const REFUSED = "refused";

/** Each is looked up in the store, while nothing else is answered. */
const ids = z.array(z.string()).max(100);

const asked = z.object({
  stream: z.string(),
  partition: z.int().min(0),
  quarantined: ids,
  settled: ids,
});

const told = z.object({
  checkpoint: z.int().min(0),
  quarantined: z.array(z.string()),
  retired: z.array(z.object({ actorId: z.string(), digest: z.string(), revision: z.int().min(0) })),
});

/** @returns undefined when the holder does not say, or no longer holds it. Rejects while NATS is away. */
export async function askAlike(
  nc: NatsConnection,
  holder: string,
  { stream, partition }: Lane,
  question: AlikeQuestion,
): Promise<AlikeAnswer | undefined> {
  try {
    const body = JSON.stringify({ stream, partition, ...question });
    const answer = await nc.request(daemonSubject(holder, QUESTION), body, { timeout: ANSWER_MS });
    return read(told, answer.string());
  } catch (error) {
    // A natstate of before hears it and says nothing.
    if (isNobody(error) || error instanceof TimeoutError) return undefined;
    throw error;
  }
}

/**
 * Answers whoever keeps a copy of a lane of ours. It is heard on the connection's own time: what fails is refused and told,
 * since an error that left here would end the reading of all subscriptions.
 *
 * @param tell - undefined: it is not ours.
 */
export function answerAlike(
  presence: Pick<Presence, "answer">,
  lanes: readonly Lane[],
  tell: (lane: Lane, question: AlikeQuestion) => AlikeAnswer | undefined,
  onTrouble: (error: Error) => void,
): void {
  function answerTo(json: string): string {
    const question = read(asked, json);
    const lane = lanes.find(({ stream, partition }) => stream === question?.stream && partition === question.partition);
    try {
      const answer = question && lane && tell(lane, question);
      return answer === undefined ? REFUSED : JSON.stringify(answer);
    } catch (error) {
      onTrouble(error as Error);
      return REFUSED;
    }
  }

  presence.answer(QUESTION, (message) => void message.respond(answerTo(message.string())));
}

function read<Shape>(schema: z.ZodType<Shape>, json: string): Shape | undefined {
  try {
    return schema.safeParse(JSON.parse(json)).data;
  } catch {
    return undefined;
  }
}
