import { ServiceError } from "@nats-io/services";
import { headers, type Msg } from "@nats-io/transport-node";
import { QueryError } from "../answers/query-error.ts";
import { SYSTEM_CLOCK } from "../flow/clock.ts";
import { createAssembly, QUESTION_ID } from "../jetstream/answer-pieces.ts";
import type { Session } from "../jetstream/session.ts";

/** What was answered: JSON, or why not with the status it has in HTTP. */
export interface Told {
  /** 200: an answer. */
  readonly status: number;
  readonly body: Uint8Array;
  /** Why not, on one line. */
  readonly message: string;
}

export interface Question {
  readonly subject: string;
  readonly body: string;
  readonly patienceMs: number;
}

export type Listen = ReturnType<typeof createListener>;

/** From one question to the next. */
const AGAIN_MS = [250, 500];
const NO_RESPONDERS = 503;

export function createListener({ nc, newInbox }: Pick<Session, "nc" | "newInbox">) {
  const room = { bytes: 0 };

  /**
   * Asks, and asks again while there is no result.
   *
   * @param take - gives the result once an answer makes it known; told which time it was asked, from 0.
   * @returns undefined when the patience has ended. Rejects with QueryError `no_daemon` or `busy`, or with what `take` throws.
   */
  return function listen<Result>(
    question: Question,
    take: (told: Told, round: number) => Result | undefined,
  ): Promise<Result | undefined> {
    const { promise, resolve, reject } = Promise.withResolvers<Result | undefined>();
    const inbox = newInbox();
    const assembly = createAssembly(room);
    const known = headers();
    known.set(QUESTION_ID, inbox);
    let round = 0;
    let cancelAgain = () => {};
    const answers = nc.subscribe(`${inbox}.*`, { callback: (error, reply) => (error ? reject(error) : hear(reply)) });
    const cancelEnd = SYSTEM_CLOCK.after(question.patienceMs, () => resolve(undefined));

    function hear(reply: Msg): void {
      // NATS says so itself when nobody subscribes to the subject of a question.
      if (reply.headers?.code === NO_RESPONDERS && reply.data.length === 0) {
        reject(new QueryError("no_daemon", "no natstate daemon answers"));
        return;
      }
      const body = assembly.take(reply);
      if (body === undefined) return;
      if (body === null) {
        reject(new QueryError("busy", "too many long answers are on their way: ask again in a moment"));
        return;
      }
      const refusal = ServiceError.toServiceError(reply);
      const told = { status: refusal?.code ?? 200, body, message: refusal?.message ?? "" };
      try {
        const result = take(told, Number(reply.subject.split(".").at(-1)));
        if (result !== undefined) resolve(result);
      } catch (error) {
        reject(error);
      }
    }

    function ask(): void {
      // Nothing can be asked while the connection is closing for good.
      if (nc.isClosed() || nc.isDraining()) return;
      nc.publish(question.subject, question.body, { reply: `${inbox}.${round}`, headers: known });
      cancelAgain = SYSTEM_CLOCK.after(AGAIN_MS[round] ?? AGAIN_MS.at(-1) ?? 0, ask);
      round++;
    }
    ask();
    return promise.finally(() => {
      cancelEnd();
      cancelAgain();
      assembly.close();
      answers.unsubscribe();
    });
  };
}
