import type { ActorType } from "../actor/actor-type.ts";
import { QueryError, toProblem } from "../answers/query-error.ts";
import { cover, type Part, readShare } from "../answers/share.ts";
import type { Session } from "../jetstream/session.ts";
import { gatherTypes, type ToldTypes } from "../wire/gathered-types.ts";
import { partitionOf, querySubject, TYPES_SUBJECT } from "../wire/names.ts";
import type { TypeDescription } from "../wire/type-description.ts";
import { createListener, type Listen, type Question, type Told } from "./listening.ts";
import { createTurns } from "./turns.ts";

/**
 * Asks daemons over NATS, again and again until an answer is there or the patience ends: what moves from one daemon to
 * another has nobody who answers for a moment. Who is busy is asked again.
 *
 * Rejects with QueryError: `no_daemon` when nobody listens, `busy`, `no_answer` with the partitions nobody answers for.
 */
export type Asking = ReturnType<typeof createAsking>;

export interface Gathered {
  readonly answers: object[];
  /** Undefined: not even how many there are is known. */
  readonly missing: readonly number[] | undefined;
}

export interface AskingOptions extends Pick<Session, "nc" | "newInbox"> {
  /** How long an owner is looked for. */
  readonly patienceMs: number;
  /** Of each type; what is asked about one holds up nothing that is asked about another. */
  readonly partitions?: number;
}

/** So long after the first that tells its types the others are waited for. */
const OTHERS_MS = 1000;

export function createAsking(options: AskingOptions) {
  const { nc, newInbox, patienceMs, partitions = 1 } = options;
  const inTurn = createTurns();
  /** Questions of `all` whose turn has not come: who asks the same meanwhile is given the same answer. */
  const waiting = new Map<string, Promise<object[]>>();
  const listen = createListener({ nc, newInbox });

  const write = (parameters?: object) => (parameters === undefined ? "" : JSON.stringify(parameters));

  function askAll(type: ActorType, asked: Omit<Question, "patienceMs">, givenMs: number): Promise<object[]> {
    const endMs = performance.now() + givenMs;
    const same = `${asked.subject} ${asked.body}`;
    const waits = waiting.get(same);
    if (waits !== undefined) {
      return waits.catch((error: Error) => {
        // Who has asked first gives up first.
        const leftMs = endMs - performance.now();
        if (!(error instanceof QueryError && error.problem === "no_answer") || leftMs <= 0) throw error;
        return askAll(type, asked, leftMs);
      });
    }
    const none = () => new QueryError("no_answer", `nobody answers for ${type.collection}: ask again`);
    let hasBegun = false;
    const told = inTurn(type.name, givenMs, none, async (leftMs) => {
      hasBegun = true;
      waiting.delete(same);
      const { answers, missing, refusal } = await gather(listen, { ...asked, patienceMs: leftMs }, isSettled);
      if (missing?.length === 0) return answers;
      if (refusal !== undefined) throw toProblem(refusal);
      throw missing === undefined ? none() : new QueryError("no_answer", lacking(type, missing));
    });
    if (!hasBegun) waiting.set(same, told);
    // One whose turn came too late, or never, is waited for no more.
    told.catch(() => void (waiting.get(same) === told && waiting.delete(same)));
    return told;
  }

  return {
    /** What the owner of an actor's partition says. @param parameters - by default none. */
    owner(type: ActorType, name: string, actorId: string, parameters?: object): Promise<Told> {
      const subject = querySubject(type, name, actorId);
      const none = () =>
        new QueryError(
          "no_answer",
          `nobody answers for ${type.name} ${actorId} within ${patienceMs / 1000} s: its partition is between two owners, or the owner is busy`,
        );
      return inTurn(`${type.name}/${partitionOf(actorId, partitions)}`, patienceMs, none, async (leftMs) => {
        let busy: Told | undefined;
        const question = { subject, body: write(parameters), patienceMs: leftMs };
        const told = await listen(question, (answer) => {
          if (answer.status !== 429) return answer;
          busy = answer;
          return undefined;
        });
        if (told !== undefined) return told;
        throw busy === undefined ? none() : toProblem(busy);
      });
    },
    /**
     * What daemons say that together have every partition once, each for its own. A partition that has moved a moment ago
     * is waited for until it is read; one that takes longer is not, and its answer says that it is of the past.
     */
    all: (type: ActorType, name: string, parameters?: object) =>
      askAll(type, { subject: querySubject(type, name), body: write(parameters) }, patienceMs),
    /** As {@link all}, but what moves is not waited for, and whatever there is when the patience ends, and the partitions that lack. */
    some: (type: ActorType, name: string, givenMs: number) =>
      gather(listen, { subject: querySubject(type, name), body: "", patienceMs: givenMs }, () => true),
    /** Every type any daemon knows, of each the highest version. Who is named and does not answer is not waited for long. */
    async types(): Promise<readonly TypeDescription[]> {
      const gathered = gatherTypes();
      let othersEndMs = Number.POSITIVE_INFINITY;
      await listen({ subject: TYPES_SUBJECT, body: "", patienceMs }, (told) => {
        if (told.status === 429) return undefined;
        if (told.status !== 200) throw toProblem(told);
        gathered.take(readObject(told.body) as ToldTypes);
        othersEndMs = Math.min(othersEndMs, performance.now() + OTHERS_MS);
        return gathered.isComplete() || performance.now() >= othersEndMs || undefined;
      });
      const types = gathered.types();
      if (types.length === 0) throw new QueryError("no_answer", "no daemon says which types there are");
      return types;
    },
  };
}

const isSettled = (parts: readonly Part[]) => parts.every(({ share }) => share.settling === undefined);

/** @param isEnough - of parts that have every partition: false asks again for better ones, as long as the patience lasts. */
async function gather(
  listen: Listen,
  question: Question,
  isEnough: (parts: readonly Part[]) => boolean,
): Promise<Gathered & { readonly refusal: Told | undefined }> {
  const parts: (Part & { readonly answer: object })[] = [];
  let refusal: Told | undefined;
  await listen(question, (told, round) => {
    if (told.status === 400) throw toProblem(told);
    if (told.status !== 200) {
      refusal = told;
      return undefined;
    }
    const answer = readObject(told.body);
    const share = readShare(answer);
    if (share !== undefined) parts.push({ share, round, answer });
    const { parts: chosen, missing } = cover(parts);
    return (missing?.length === 0 && isEnough(chosen)) || undefined;
  });
  const { parts: chosen, missing } = cover(parts);
  return { answers: chosen.map(({ answer }) => answer), missing, refusal };
}

/** Which partitions nobody answers for, for a person. */
export function lacking(type: ActorType, missing: readonly number[]): string {
  const which = missing.length === 1 ? `partition ${missing}` : `partitions ${missing.join(", ")}`;
  return `nobody answers for ${which} of ${type.collection}: ask again`;
}

function readObject(body: Uint8Array): object {
  return JSON.parse(Buffer.from(body).toString("utf8")) as object;
}
