import type { ActorType } from "../actor/actor-type.ts";
import type { AlikeAnswer, AlikeQuestion } from "../flow/alike.ts";
import type { BatchResult } from "../flow/batch-result.ts";
import { type Clock, inRounds, SYSTEM_CLOCK } from "../flow/clock.ts";
import type { Journal } from "../flow/journal.ts";
import type { Processor } from "../flow/processor.ts";
import { digestOf, type QuietActor, type RetiredRows } from "../flow/retired.ts";
import type { Lane } from "../wire/lanes.ts";
import { release } from "./release.ts";
import type { Retirement } from "./retirement.ts";

export interface AlikeOptions {
  readonly types: readonly ActorType[];
  readonly journal: Journal;
  readonly rows: Pick<RetiredRows, "eventIds">;
  /** The first quarantined actors of a lane by id, after `after`. */
  readonly quarantined: (lane: Lane, after: string, limit: number) => readonly string[];
  /** Of lanes that are followed. */
  readonly processor: Processor;
  readonly retirement: Retirement;
  /** Null: nobody is retired here. */
  readonly retainMs: number | null;
  /** Lanes that are read along beside their owners, and have caught up; none while there is anything more urgent. */
  readonly followed: () => readonly Lane[];
  /** Asks the lane's owner; undefined when it does not say. */
  readonly ask: (lane: Lane, question: AlikeQuestion) => Promise<AlikeAnswer | undefined>;
  /** As after any other batch of a lane that is followed. */
  readonly onCommitted: (result: BatchResult, commitMs: number) => void;
  readonly onTrouble: (error: Error) => void;
  readonly clock?: Clock;
}

const ROUND_MS = 1000;
/** Where there is more to be retired; and where nobody was, though there are more who are old. */
const MORE_MS = 50;
const WALK_MS = 200;
/** Quarantined actors asked about at once. */
const PAGE = 100;
/** One whose machine fails here all the same, as a former version's does, is tried again after so long. */
const AGAIN_MS = 60_000;

/**
 * Keeps followed lanes like their owners' in what no message tells, so that a takeover brings back neither a quarantine
 * nor an actor: who is quarantined here and no longer there is released here too, in the same order of its events, and
 * who is settled here and retired there is retired.
 *
 * @returns ends it at once. Safe to call twice.
 */
export function keepAlike(options: AlikeOptions): () => void {
  const { types, journal, rows, quarantined, processor, retirement, retainMs, followed, ask } = options;
  const { onCommitted, onTrouble, clock = SYSTEM_CLOCK } = options;
  let stopped = false;
  /** By lane: those behind it are asked about next. */
  const places = new Map<Lane, string>();
  const notBeforeMs = new Map<string, number>();

  async function lookOn(): Promise<number> {
    let restMs = ROUND_MS;
    for (const type of types) {
      const lanes = followed().filter((lane) => lane.type === type);
      if (lanes.length > 0) restMs = Math.min(restMs, await look(type, lanes).catch(inTrouble));
    }
    return restMs;
  }

  function inTrouble(error: Error): number {
    if (!stopped) onTrouble(error);
    return ROUND_MS;
  }

  /** @returns ms until it is looked again. */
  async function look(type: ActorType, lanes: readonly Lane[]): Promise<number> {
    const settled = retainMs === null ? [] : retirement.due(type, lanes, retainMs);
    const answers = await Promise.all(lanes.map((lane) => askAbout(lane, settled)));
    const retired = new Map(answers.flatMap((each) => each.map((actor) => [actor.actorId, actor])));
    if (stopped || retainMs === null) return ROUND_MS;
    // One that was heard of here, or there, is not the same any more.
    const isSame = ({ key, id, revision }: QuietActor) => {
      const there = retired.get(id);
      return there !== undefined && there.revision === revision && there.digest === digestOf(rows.eventIds(key));
    };
    const stillFollowed = followed().filter((lane) => lanes.includes(lane));
    const step = retirement.step(type, stillFollowed, retainMs, isSame);
    if (!step.hasMore) return ROUND_MS;
    return step.retired > 0 ? MORE_MS : WALK_MS;
  }

  async function askAbout(lane: Lane, settled: readonly QuietActor[]): Promise<AlikeAnswer["retired"]> {
    const question = { quarantined: nextQuarantined(lane), settled: settledIn(lane, settled) };
    if (question.quarantined.length + question.settled.length === 0) return [];
    const heardTo = journal.checkpoint(lane);
    const answer = await ask(lane, question);
    if (answer === undefined || stopped || !followed().includes(lane)) return [];
    // An owner that is behind has not come to what failed here.
    if (answer.checkpoint >= heardTo) {
      const still = new Set(answer.quarantined);
      for (const actorId of question.quarantined) if (!still.has(actorId)) releaseHere(lane, actorId);
    }
    return answer.retired;
  }

  function nextQuarantined(lane: Lane): string[] {
    const after = places.get(lane) ?? "";
    const ids = quarantined(lane, after, PAGE);
    places.set(lane, ids.length === PAGE ? (ids.at(-1) ?? "") : "");
    return ids.filter((id) => clock.now() >= (notBeforeMs.get(`${lane.type.name} ${id}`) ?? 0));
  }

  function releaseHere(lane: Lane, actorId: string): void {
    const name = `${lane.type.name} ${actorId}`;
    const startedMs = clock.now();
    const result = release(journal, processor, lane, actorId);
    if (result !== undefined) onCommitted(result, clock.now() - startedMs);
    if (journal.isQuarantined(lane.type.name, actorId)) notBeforeMs.set(name, clock.now() + AGAIN_MS);
    else notBeforeMs.delete(name);
  }

  const endRounds = inRounds(clock, ROUND_MS, lookOn);
  return () => {
    stopped = true;
    endRounds();
  };
}

function settledIn({ partition }: Lane, settled: readonly QuietActor[]): string[] {
  return settled.filter((actor) => actor.partition === partition).map(({ id }) => id);
}
