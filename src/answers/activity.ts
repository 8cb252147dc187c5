import type { ActorType } from "../actor/actor-type.ts";
import { type Handled, isNewFact } from "../flow/batch-result.ts";
import type { Observer } from "../flow/observer.ts";

/** What has happened in the last minutes, kept in memory: about 0.5 MB for each actor type, however busy it is; a batch costs 0.2 us an event. */
export interface Activity extends Pick<Required<Observer>, "committed"> {
  /** @param lag - messages stored and not yet applied, as last measured; null while it is not known. */
  recordLag(type: ActorType, lag: number | null, nowMs: number): void;
  read(type: ActorType, nowMs: number): ActivityReading;
}

/** One value for each second, the oldest first; the last is the second before the running one. */
export interface SecondlyCounts {
  /** Deliveries, whatever became of them. */
  readonly events: readonly number[];
  readonly decisions: readonly number[];
  /** Those of the decisions that replaced another. */
  readonly revised: readonly number[];
  readonly deadLetters: readonly number[];
  /** Null where it was not known. */
  readonly lag: readonly (number | null)[];
}

export interface ActivityReading {
  readonly seconds: SecondlyCounts;
  /** State changes of the last {@link FLOW_SECONDS}; `from` is null for new actors. */
  readonly flow: readonly { readonly from: string | null; readonly to: string; readonly count: number }[];
  /** Distinct events of the last {@link WINDOW_SECONDS}, from event time to arrival. */
  readonly lateness: readonly LatenessReading[];
}

export interface LatenessReading {
  readonly eventType: string;
  readonly count: number;
  /** Null when there were none. */
  readonly p50Ms: number | null;
  readonly p99Ms: number | null;
  /** The counts they are made of, by bucket, without those that are 0; absent when all are. */
  readonly buckets?: Readonly<Record<string, number>>;
}

/** What is kept. */
export const WINDOW_SECONDS = 300;
/** For the flow through the machine: long enough to be read, short enough to be now. */
export const FLOW_SECONDS = 60;
const COARSE_SECONDS = 5;

/** How a lag that is not known is kept. */
const UNKNOWN_LAG = 0xffffffff;

/** Four buckets to each doubling: a percentile is right within 9 %. */
const STEPS = 4;
/** Up to 2 to the 40th ms, 34 years. */
const BUCKETS = 40 * STEPS;

/** How late events were, counted by size; what is early counts as on time. */
export type LatenessCounts = Uint32Array;

const COUNTS = ["events", "decisions", "revised", "deadLetters", "lag"] as const;
type Count = (typeof COUNTS)[number];

interface CoarseSlot {
  /** Which piece of {@link COARSE_SECONDS} since the epoch it holds. */
  piece: number;
  readonly flow: Map<string | null, Map<string, number>>;
  readonly lateness: ReadonlyMap<string, LatenessCounts>;
}

interface Window {
  readonly counts: Readonly<Record<Count, Uint32Array>>;
  readonly coarse: readonly CoarseSlot[];
  /** The latest second written to. */
  second: number;
}

/** @param types - every type whose deliveries are recorded. */
export function createActivity(types: readonly ActorType[]): Activity {
  const windows = new Map(types.map((type) => [type.name, createWindow(type)]));

  /** The type's window with `nowMs` as its running second. */
  function windowOf(type: string, nowMs: number): Window {
    const window = windows.get(type);
    if (window === undefined) throw new RangeError(`the activity of ${type} is not recorded`);
    advance(window, Math.floor(nowMs / 1000));
    return window;
  }

  return {
    committed({ handled, decisions, deadLetters, moves }, _, nowMs) {
      for (const item of handled) recordHandled(windowOf(item.delivery.lane.type.name, nowMs), item);
      for (const { type, revision } of decisions) {
        const window = windowOf(type, nowMs);
        increment(window, "decisions");
        if (revision > 1) increment(window, "revised");
      }
      for (const { type } of deadLetters) increment(windowOf(type, nowMs), "deadLetters");
      for (const { type, from, to } of moves) {
        const window = windowOf(type, nowMs);
        recordMove(coarseSlot(window, window.second), from, to);
      }
    },
    recordLag(type, lag, nowMs) {
      const { counts, second } = windowOf(type.name, nowMs);
      counts.lag[second % WINDOW_SECONDS] = lag ?? UNKNOWN_LAG;
    },
    read(type, nowMs) {
      const window = windowOf(type.name, nowMs);
      return { seconds: readSeconds(window), flow: readFlow(window), lateness: readLateness(window, type) };
    },
  };
}

function createWindow(type: ActorType): Window {
  const eventTypes = Object.keys(type.events);
  return {
    counts: Object.fromEntries(COUNTS.map((name) => [name, new Uint32Array(WINDOW_SECONDS)])) as Window["counts"],
    coarse: Array.from({ length: WINDOW_SECONDS / COARSE_SECONDS }, () => ({
      piece: 0,
      flow: new Map(),
      lateness: new Map(eventTypes.map((name) => [name, createLatenessCounts()])),
    })),
    second: 0,
  };
}

/** Clears the seconds that have passed since; the lag stays what it was until it is measured again. */
function advance(window: Window, second: number): void {
  if (second <= window.second) return;
  const { counts } = window;
  const lag = counts.lag[window.second % WINDOW_SECONDS] ?? 0;
  const first = Math.max(window.second + 1, second - WINDOW_SECONDS + 1);
  for (let passed = first; passed <= second; passed++) {
    for (const name of COUNTS) counts[name][passed % WINDOW_SECONDS] = 0;
    counts.lag[passed % WINDOW_SECONDS] = lag;
  }
  window.second = second;
}

function recordHandled(window: Window, { outcome, observation, delivery }: Handled): void {
  if (outcome === "skipped") return;
  increment(window, "events");
  if (observation === undefined || !isNewFact(outcome)) return;
  const counts = coarseSlot(window, window.second).lateness.get(observation.type);
  if (counts !== undefined) countLateness(counts, delivery.storedAtMs - Date.parse(observation.timestamp));
}

function recordMove({ flow }: CoarseSlot, from: string | null, to: string): void {
  const targets = flow.get(from) ?? new Map<string, number>();
  targets.set(to, (targets.get(to) ?? 0) + 1);
  flow.set(from, targets);
}

function increment({ counts, second }: Window, name: Count): void {
  const at = second % WINDOW_SECONDS;
  counts[name][at] = (counts[name][at] ?? 0) + 1;
}

/** The slot of a second, emptied when it still holds an older piece. */
function coarseSlot({ coarse }: Window, second: number): CoarseSlot {
  const piece = Math.floor(second / COARSE_SECONDS);
  // There is always one: the window is not empty.
  const slot = coarse[piece % coarse.length] as CoarseSlot;
  if (slot.piece !== piece) {
    slot.piece = piece;
    slot.flow.clear();
    for (const counts of slot.lateness.values()) counts.fill(0);
  }
  return slot;
}

/** The slots of the last `seconds`, the running piece included. */
function recentSlots({ coarse, second }: Window, seconds: number): CoarseSlot[] {
  const piece = Math.floor(second / COARSE_SECONDS);
  return coarse.filter((slot) => slot.piece > piece - seconds / COARSE_SECONDS && slot.piece <= piece);
}

function readSeconds({ counts, second }: Window): SecondlyCounts {
  const read = (values: Uint32Array) =>
    Array.from({ length: WINDOW_SECONDS - 1 }, (_, index) => values[(second + 1 + index) % WINDOW_SECONDS] ?? 0);
  const all = Object.fromEntries(COUNTS.map((name) => [name, read(counts[name])])) as Record<Count, number[]>;
  return { ...all, lag: all.lag.map((lag) => (lag === UNKNOWN_LAG ? null : lag)) };
}

function readFlow(window: Window): ActivityReading["flow"] {
  const moves = recentSlots(window, FLOW_SECONDS).flatMap(({ flow }) =>
    [...flow].flatMap(([from, targets]) => [...targets].map(([to, count]) => ({ from, to, count }))),
  );
  return addFlow(moves);
}

/** The sum of those between the same two states. */
function addFlow(moves: ActivityReading["flow"]): ActivityReading["flow"] {
  const sums = new Map<string, ActivityReading["flow"][number]>();
  for (const move of moves) {
    const name = JSON.stringify([move.from, move.to]);
    sums.set(name, { ...move, count: move.count + (sums.get(name)?.count ?? 0) });
  }
  return [...sums.values()];
}

function readLateness(window: Window, type: ActorType): LatenessReading[] {
  const slots = recentSlots(window, WINDOW_SECONDS);
  return Object.keys(type.events).map((eventType) => {
    const sum = createLatenessCounts();
    for (const { lateness } of slots) addLateness(sum, lateness.get(eventType));
    return presentLateness(eventType, sum);
  });
}

function presentLateness(eventType: string, counts: LatenessCounts): LatenessReading {
  const count = counts.reduce((total, each) => total + each, 0);
  const buckets = Object.fromEntries([...counts.entries()].filter(([, each]) => each > 0));
  return {
    eventType,
    count,
    p50Ms: latenessPercentile(counts, 0.5),
    p99Ms: latenessPercentile(counts, 0.99),
    ...(count > 0 && { buckets }),
  };
}

/** What has happened at several daemons; their clocks may differ by a second. */
export function joinActivity(type: ActorType, readings: readonly ActivityReading[]): ActivityReading {
  const lateness = Object.keys(type.events).map((eventType) => {
    const sum = createLatenessCounts();
    for (const reading of readings) {
      const { buckets = {} } = reading.lateness.find((each) => each.eventType === eventType) ?? {};
      for (const [bucket, count] of Object.entries(buckets)) sum[Number(bucket)] = (sum[Number(bucket)] ?? 0) + count;
    }
    return presentLateness(eventType, sum);
  });
  const flow = addFlow(readings.flatMap((reading) => reading.flow));
  const summed = COUNTS.map((name) => [name, addSeconds(readings.map(({ seconds }) => seconds[name]))]);
  return { seconds: Object.fromEntries(summed) as SecondlyCounts, flow, lateness };
}

/** Second by second; what one does not know, nobody does. */
function addSeconds(all: readonly (readonly (number | null)[])[]): (number | null)[] {
  return Array.from({ length: WINDOW_SECONDS - 1 }, (_, second) =>
    all.reduce<number | null>((sum, values) => {
      const value = values[second] ?? null;
      return sum === null || value === null ? null : sum + value;
    }, 0),
  );
}

export function createLatenessCounts(): LatenessCounts {
  return new Uint32Array(BUCKETS + 1);
}

/** Adds one observation, 20 ns. */
export function countLateness(counts: LatenessCounts, latenessMs: number): void {
  // Also takes NaN to the first bucket, which no comparison would.
  const bucket = latenessMs > 0 ? Math.min(BUCKETS, Math.floor(Math.log2(latenessMs + 1) * STEPS)) : 0;
  counts[bucket] = (counts[bucket] ?? 0) + 1;
}

export function addLateness(sum: LatenessCounts, counts: LatenessCounts | undefined): void {
  counts?.forEach((count, bucket) => {
    sum[bucket] = (sum[bucket] ?? 0) + count;
  });
}

/** @returns the ms that `share` (0 to 1) of the observations stay below, or null when there are none. */
export function latenessPercentile(counts: LatenessCounts, share: number): number | null {
  const total = counts.reduce((sum, count) => sum + count, 0);
  if (total === 0) return null;
  let seen = 0;
  const bucket = counts.findIndex((count) => {
    seen += count;
    return seen >= total * share;
  });
  return Math.round(2 ** ((bucket + 0.5) / STEPS) - 1);
}
