import { type NatsConnection, TimeoutError } from "@nats-io/transport-node";
import { z } from "zod";
import type { AlikeAnswer, AlikeQuestion } from "../flow/alike.ts";
import { isNobody } from "../jetstream/connect.ts";
import type { Lane } from "../wire/lanes.ts";
import { daemonSubject } from "../wire/names.ts";
import type { Presence } from "./presence.ts";

const QUESTION = "alike";
const ANSWER_MS = 2000;

const asked = z.object({
  stream: z.string(),
  partition: z.int().min(0),
  quarantined: z.array(z.string()),
  settled: z.array(z.string()),
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

/** Answers whoever keeps a copy of a lane of ours. @param tell - undefined: it is not ours. */
export function answerAlike(
  presence: Pick<Presence, "answer">,
  lanes: readonly Lane[],
  tell: (lane: Lane, question: AlikeQuestion) => AlikeAnswer | undefined,
): void {
  presence.answer(QUESTION, (message) => {
    const question = read(asked, message.string());
    const lane = lanes.find(({ stream, partition }) => stream === question?.stream && partition === question.partition);
    const answer = question && lane && tell(lane, question);
    message.respond(answer === undefined ? "refused" : JSON.stringify(answer));
  });
}

function read<Shape>(schema: z.ZodType<Shape>, json: string): Shape | undefined {
  try {
    return schema.safeParse(JSON.parse(json)).data;
  } catch {
    return undefined;
  }
}
