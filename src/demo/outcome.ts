import type { ActorType } from "../actor/actor-type.ts";
import type { ActorAnswer, ActorHistory, Counts, PublishedObject, Stats } from "../answers/queries.ts";
import type { Session } from "../jetstream/session.ts";
import { readIdentity } from "../jetstream/stream-identity.ts";
import { readStream } from "../jetstream/stream-reader.ts";
import { createQueryClient } from "../members/query-client.ts";
import { DEAD_LETTERS_STREAM, DECISIONS_STREAM } from "../wire/names.ts";
import type { Standing } from "./settle.ts";

/** What a system has made of its events, as others see it: asked over NATS and HTTP, read from its streams. */
export interface Outcome {
  /** By actor id; those it does not know are absent. */
  readonly actors: ReadonlyMap<string, ActorAnswer>;
  /** Decisions as the stream holds them, in its order, by actor id. */
  readonly decisions: ReadonlyMap<string, readonly PublishedObject[]>;
  /** Dead letters the stream holds, by reason. */
  readonly deadLetters: Counts;
  readonly stats: Stats;
}

/** Where one type's outcome is read from. */
export interface OutcomeReader {
  standing(): Promise<Standing>;
  history(actorId: string): Promise<ActorHistory | undefined>;
  outcome(actorIds: Iterable<string>, signal: AbortSignal, onProgress: (actorsRead: number) => void): Promise<Outcome>;
}

type ReadActors = (
  actorIds: Iterable<string>,
  signal: AbortSignal,
  onProgress: (actorsRead: number) => void,
) => Promise<Map<string, ActorAnswer>>;

/** Questions at once; more do not make one daemon faster. */
const CONCURRENCY = 32;

/**
 * Reads what becomes of a type's events from now on. Actors are asked for over NATS, which is twice as fast as HTTP.
 *
 * @param httpUrl - of the daemon's API, without a trailing slash.
 * @throws QueryError, or Error when the API does not answer.
 */
export async function openOutcomeReader(type: ActorType, httpUrl: string, session: Session): Promise<OutcomeReader> {
  const { jsm } = session;
  const queries = createQueryClient(session);
  const lastOf = async (stream: string) => (await readIdentity(jsm, stream)).lastSequence;
  const before = { decisions: await lastOf(DECISIONS_STREAM), deadLetters: await lastOf(DEAD_LETTERS_STREAM) };

  async function stats(): Promise<Stats> {
    const response = await fetch(`${httpUrl}/api/stats?type=${type.name}`);
    if (!response.ok) throw new Error(`${response.url} answered ${response.status}: ${await response.text()}`);
    return (await response.json()) as Stats;
  }

  const readActors: ReadActors = async (actorIds, signal, onProgress) => {
    const actors = new Map<string, ActorAnswer>();
    const queue = Iterator.from(actorIds);
    const work = async () => {
      for (let next = queue.next(); !next.done; next = queue.next()) {
        const answer = await queries.get(type, next.value);
        signal.throwIfAborted();
        if (answer !== undefined) actors.set(next.value, answer);
        onProgress(actors.size);
      }
    };
    await Promise.all(Array.from({ length: CONCURRENCY }, work));
    return actors;
  };

  async function readDecisions(): Promise<Map<string, PublishedObject[]>> {
    const decisions = new Map<string, PublishedObject[]>();
    for await (const messages of readStream(session, DECISIONS_STREAM, { from: before.decisions + 1 })) {
      for (const { subject, body } of messages) {
        const actorId = subject.split(".").at(-1) ?? "";
        const known = decisions.get(actorId) ?? [];
        known.push(JSON.parse(new TextDecoder().decode(body)) as PublishedObject);
        decisions.set(actorId, known);
      }
    }
    return decisions;
  }

  async function countDeadLetters(): Promise<Counts> {
    const byReason: Record<string, number> = {};
    for await (const messages of readStream(session, DEAD_LETTERS_STREAM, { from: before.deadLetters + 1 })) {
      for (const { subject } of messages) {
        const reason = subject.split(".").at(-1) ?? "";
        byReason[reason] = (byReason[reason] ?? 0) + 1;
      }
    }
    return byReason;
  }

  return {
    history: (actorId) => queries.history(type, actorId),
    async standing() {
      // The streams first: what they hold is never more than what the store has taken down.
      const decisionsPublished = (await lastOf(DECISIONS_STREAM)) - before.decisions;
      const deadLettersPublished = (await lastOf(DEAD_LETTERS_STREAM)) - before.deadLetters;
      const { events, decisions, deadLetters } = await stats();
      const rejected = total(deadLetters.byReason);
      // What natstate itself publishes is nobody's traffic.
      const { tick: _tick, ignored: _ignored, ...heard } = events;
      const handled = total(heard) + rejected;
      return { handled, decided: total(decisions.byType), decisionsPublished, rejected, deadLettersPublished };
    },
    outcome: async (actorIds, signal, onProgress) => ({
      actors: await readActors(actorIds, signal, onProgress),
      decisions: await readDecisions(),
      deadLetters: await countDeadLetters(),
      stats: await stats(),
    }),
  };
}

/** The sum of all counts. */
export function total(counts: Counts): number {
  return Object.values(counts).reduce((sum, count) => sum + count, 0);
}
