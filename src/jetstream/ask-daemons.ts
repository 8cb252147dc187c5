import { Svcm } from "@nats-io/services";
import { type Msg, type NatsConnection, errors as natsErrors } from "@nats-io/transport-node";
import type { ActorType } from "../actor/actor-type.ts";
import { QUERY_SERVICE, querySubject } from "../wire/names.ts";
import { explainNobody, isNobody, QueryError, readAnswer } from "./query-error.ts";

/** Questions to daemons over request/reply; each rejects with QueryError. Who is busy is asked again, for a while. */
export interface Daemons {
  /** How many answer. */
  count(): Promise<number>;
  /** The answer of the one that has the actor. */
  askOwner(type: ActorType, question: string, actorId: string): Promise<unknown>;
  /** One answer of each. */
  askAll(type: ActorType, question: string, body: string): Promise<unknown[]>;
  /** The answer of the only one that does not keep silent. */
  askOne(type: ActorType, question: string, body: string): Promise<unknown>;
}

const ANSWER_MS = 5000;
/** A daemon that has too many questions is asked again. */
const AGAIN_MS = 200;

export function createDaemons(nc: NatsConnection): Daemons {
  const services = new Svcm(nc).client({ strategy: "stall", maxWait: 2000 });
  const ask = (subject: string, body: string) =>
    patiently(async () => readAnswer(await nc.request(subject, body, { timeout: ANSWER_MS })));

  async function count(): Promise<number> {
    const ids = new Set<string>();
    try {
      for await (const { id } of await services.ping(QUERY_SERVICE)) ids.add(id);
    } catch (error) {
      if (!isNobody(error)) throw error;
    }
    return ids.size;
  }

  async function askAllOnce(subject: string, body: string): Promise<unknown[]> {
    const expected = await count();
    if (expected === 0) throw new QueryError("no_daemon", "no natstate daemon answers");
    const replies: Msg[] = [];
    const options = { strategy: "count", maxMessages: expected, maxWait: ANSWER_MS } as const;
    try {
      for await (const reply of await nc.requestMany(subject, body, options)) replies.push(reply);
    } catch (error) {
      throw explainNobody(error);
    }
    if (replies.length < expected) {
      const message = `of ${expected} daemons ${replies.length} answered within ${ANSWER_MS / 1000} s`;
      throw new QueryError("no_answer", message);
    }
    return replies.map(readAnswer);
  }

  return {
    count,
    async askOwner(type, question, actorId) {
      try {
        return await ask(querySubject(type, question, actorId), "");
      } catch (error) {
        if (!(error instanceof natsErrors.TimeoutError)) throw explainNobody(error);
        const message = `nobody answered for ${type.name} ${actorId} within ${ANSWER_MS / 1000} s: its partition is between two owners, or the owner is busy`;
        throw new QueryError("no_answer", message, { cause: error });
      }
    },
    askAll: (type, question, body) => patiently(() => askAllOnce(querySubject(type, question), body)),
    askOne: (type, question, body) => ask(querySubject(type, question), body),
  };
}

/** Asks a daemon that is busy again, for as long as one waits for an answer. */
async function patiently<Answer>(ask: () => Promise<Answer>): Promise<Answer> {
  const endMs = performance.now() + ANSWER_MS;
  for (;;) {
    try {
      return await ask();
    } catch (error) {
      const isBusy = error instanceof QueryError && error.problem === "busy";
      if (!isBusy || performance.now() > endMs) throw error;
      await new Promise((resolve) => setTimeout(resolve, AGAIN_MS));
    }
  }
}
