import type { ActorType } from "../actor/actor-type.ts";
import type { ActorAnswer, ActorSteps, Counts, PublishedObject, Stats } from "../answers/queries.ts";
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

export type OutcomeReader = Awaited<ReturnType<typeof openOutcomeReader>>;

/** Questions at once; more do not make one daemon faster. */
const CONCURRENCY = 32;

/**
 * Reads what becomes of a type's events from now on. Actors are asked for over NATS, which is twice as fast as HTTP.
 *
 * @param httpUrl - of the daemon's API, without a trailing slash.
 * @throws QueryError, or Error when the API does not answer.
 */
export async function openOutcomeReader(type: ActorType, httpUrl: string, session: Session) {
  const { jsm } = session;
  const queries = createQueryClient(session);
  const lastOf = async (stream: string) => (await readIdentity(jsm, stream)).lastSequence;
  const before = { decisions: await lastOf(DECISIONS_STREAM), deadLetters: await lastOf(DEAD_LETTERS_STREAM) };

  async function ask<Answer>(path: string): Promise<Answer> {
    const response = await fetch(httpUrl + path);
    if (!response.ok) throw new Error(`${response.url} answered ${response.status}: ${await response.text()}`);
    return (await response.json()) as Answer;
  }

  const stats = () => ask<Stats>(`/api/stats?type=${type.name}`);

  async function readActors(
    actorIds: Iterable<string>,
    signal: AbortSignal,
    onProgress: (actorsRead: number) => void,
  ): Promise<Map<string, ActorAnswer>> {
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
  }

  /** Bodies of what a stream holds behind a sequence, by the last token of their subjects. */
  async function readBehind(stream: string, sequence: number): Promise<Map<string, Uint8Array[]>> {
    const bodies = new Map<string, Uint8Array[]>();
    for await (const messages of readStream(session, stream, { from: sequence + 1 })) {
      for (const { subject, body } of messages) {
        const token = subject.split(".").at(-1) ?? "";
        const known = bodies.get(token) ?? [];
        known.push(body);
        bodies.set(token, known);
      }
    }
    return bodies;
  }

  const parse = (body: Uint8Array) => JSON.parse(new TextDecoder().decode(body)) as PublishedObject;

  return {
    /** What led an actor to what it is. */
    steps: (actor: ActorAnswer) => ask<ActorSteps>(`/api/${type.collection}/${actor[type.idField]}/steps`),
    async standing(): Promise<Standing> {
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
    /** @param onProgress - told how many actors are read. */
    async outcome(...asked: Parameters<typeof readActors>): Promise<Outcome> {
      const actors = await readActors(...asked);
      const decisions = await readBehind(DECISIONS_STREAM, before.decisions);
      const deadLetters = await readBehind(DEAD_LETTERS_STREAM, before.deadLetters);
      return {
        actors,
        decisions: new Map([...decisions].map(([actorId, bodies]) => [actorId, bodies.map(parse)])),
        deadLetters: Object.fromEntries([...deadLetters].map(([reason, { length }]) => [reason, length])),
        stats: await stats(),
      };
    },
  };
}

export function total(counts: Counts): number {
  return Object.values(counts).reduce((sum, count) => sum + count, 0);
}
