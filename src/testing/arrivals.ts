import { isDeepStrictEqual } from "node:util";
import type { ActorType } from "../actor/actor-type.ts";
import { asError } from "../actor/as-error.ts";
import { comparePlaces } from "../flow/hosts/fact-order.ts";
import type { Pieces } from "../flow/pieces.ts";
import type { EventRow } from "../flow/rows.ts";
import { type HostedActor, hostActor, type Standing } from "./hosted-actor.ts";
import { tellStory } from "./story.ts";

/** An event as its actor's history keeps it. */
export type PastEvent = Pick<EventRow, "type" | "eventId" | "timestamp" | "body">;

export interface Arriving {
  readonly event: PastEvent;
  /** Its actor was not in memory, and is restored from its row. */
  readonly isRestarted: boolean;
}

/** What an actor came to, whatever the order in which it heard: all but what a fault leaves behind, and how it came there. */
type Ending = Partial<Omit<Standing, "quarantine">> & { readonly quarantined: boolean };

/** One arrival, told. */
export interface ToldArrival {
  readonly story: readonly string[];
  readonly ending: Ending;
}

/** Two arrivals of the same events that do not come to the same. */
export interface Divergence {
  /** What differs. */
  readonly names: readonly string[];
  /** The same with what they are, a line each: `state: "open" or "closed"`. */
  readonly differences: readonly string[];
  readonly one: ToldArrival;
  readonly other: ToldArrival;
}

const SECOND_MS = 1000;
const HOUR_MS = 3_600_000;
/** Delays that are let pass after the last event, so that what they do is compared, too. */
const DELAYS_AFTER = 3;

/**
 * Lets events of one actor arrive over and over again, in many ways, and compares what becomes of it.
 *
 * @param id - of the actor, as its machine is told.
 */
export function createArrivals(type: ActorType, id: string) {
  // What is too late depends on what has arrived: that is what it is for, and no lack of convergence.
  const { latenessMs: _latenessMs, maxFacts: _maxFacts, ...unlimited } = type;
  const hosted = hostActor(unlimited, id);
  let trouble: string | undefined;

  /**
   * One event a piece.
   *
   * @param arriving - in the order in which they are heard; those of one identity are duplicates.
   * @returns undefined when that comes to the same as hearing each event once, in the order in which they happened.
   */
  function* compare(arriving: readonly Arriving[]): Pieces<Divergence | undefined> {
    const events = new Map(arriving.map(({ event }) => [`${event.type}/${event.eventId}`, event]));
    const inOrder = [...events.values()].sort(comparePlaces).map((event) => ({ event, isRestarted: false }));
    const startMs = Math.max(...arriving.map(({ event }) => Date.parse(event.timestamp))) + HOUR_MS;
    const one = yield* play(hosted, inOrder, startMs);
    const steps = hosted.steps();
    trouble ??= steps.find(({ problem }) => problem !== undefined)?.problem;
    const other = yield* play(hosted, arriving, startMs);
    const names = compareEndings(one, other);
    if (names.length === 0) return undefined;
    const endings = [one.at(-1), other.at(-1)] as [Ending, Ending];
    const differing = firstDiffering(one, other);
    return {
      names,
      differences: names.map((name) => `${name}: ${differing.map((ending) => show(ending[name])).join(" or ")}`),
      one: { story: tellStory(steps), ending: endings[0] },
      other: { story: tellStory(hosted.steps()), ending: endings[1] },
    };
  }

  /** What went wrong first with events that its contract takes; undefined when nothing did. */
  return { compare, trouble: () => trouble };
}

/** @returns what it was once all was heard, and after the delays that follow. */
function* play(hosted: HostedActor, arriving: readonly Arriving[], startMs: number): Pieces<Ending[]> {
  hosted.begin();
  for (const [index, { event, isRestarted }] of arriving.entries()) {
    if (isRestarted) hosted.restart();
    hosted.hearAgain({ ...event, sequence: 0, storedAtMs: startMs + index * SECOND_MS, correlationId: null });
    yield;
  }
  const later = startMs + HOUR_MS;
  hosted.pass(new Date(later).toISOString(), later);
  const endings = [look(hosted)];
  for (let delay = 0; delay < DELAYS_AFTER; delay++) {
    const due = endings.at(-1)?.due?.[0]?.at;
    if (due === undefined) break;
    hosted.pass(due, later);
    endings.push(look(hosted));
  }
  return endings;
}

function look(hosted: HostedActor): Ending {
  try {
    const { quarantine, ...standing } = hosted.standing();
    // Where it stopped depends on what came first; that it did must not.
    return quarantine === null ? { ...standing, quarantined: false } : { quarantined: true };
  } catch (error) {
    return { quarantined: true, state: `its view or waitingFor fails: ${asError(error).message}` };
  }
}

/** @returns the first two that are not the same, in the order of delays; none when all are. */
function firstDiffering(one: readonly Ending[], other: readonly Ending[]): readonly Partial<Ending>[] {
  const length = Math.max(one.length, other.length);
  const index = Array.from({ length }, (_, at) => at).find((at) => !isDeepStrictEqual(one[at], other[at]));
  return index === undefined ? [] : [one[index] ?? {}, other[index] ?? {}];
}

function compareEndings(one: readonly Ending[], other: readonly Ending[]): (keyof Ending)[] {
  const [a, b] = firstDiffering(one, other);
  if (a === undefined || b === undefined) return [];
  // Of one that is stopped nothing else is looked at.
  if (a.quarantined !== b.quarantined) return ["quarantined"];
  const names = Object.keys({ ...a, ...b }) as (keyof Ending)[];
  return names.filter((name) => !isDeepStrictEqual(a[name], b[name]));
}

function show(value: unknown): string {
  return JSON.stringify(value) ?? "nothing";
}
