import type { ActorType } from "../actor/actor-type.ts";
import { type Handled, isNewFact } from "../flow/batch-result.ts";
import type { Observer } from "../flow/observer.ts";

/** What has happened in the last minutes, kept in memory: 1 MB at most for each five event types, however busy they are. */
export type Activity = ReturnType<typeof createActivity>;

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

/** Four buckets to each doubling: a percentile is right within 9 %. */
const STEPS = 4;
/** Up to 2 to the 40th ms, 34 years. */
const BUCKETS = 40 * STEPS;

/** How late events were, counted by size; what is early counts as on time. */
export type LatenessCounts = Uint32Array;

const COUNTS = ["events", "decisions", "revised", "deadLetters", "lag"] as const;

type Move = ActivityReading["flow"][number];

/** What one second has brought of a type. */
interface Second extends Record<Exclude<(typeof COUNTS)[number], "lag">, number> {
  /** Since the epoch. */
  readonly at: number;
  /** At its end; what it was before, until it is measured again. */
  lag: number | null;
  /** By where from and where to. */
  readonly flow: Map<string, Move>;
  /** By event type. */
  readonly lateness: Map<string, LatenessCounts>;
}

/** @param types - every type whose deliveries are recorded. */
export function createActivity(types: readonly ActorType[]) {
  /** Of each type the last {@link WINDOW_SECONDS}, the running one at the end. */
  const windows = new Map(types.map(({ name }) => [name, Array.from({ length: WINDOW_SECONDS }, () => begin(0, 0))]));

  function windowAt(type: string, nowMs: number): Second[] {
    const window = windows.get(type);
    if (window === undefined) throw new RangeError(`the activity of ${type} is not recorded`);
    const now = Math.floor(nowMs / 1000);
    for (let last = window.at(-1) as Second; last.at < now; window.shift()) {
      last = begin(Math.max(last.at + 1, now - WINDOW_SECONDS + 1), last.lag);
      window.push(last);
      // Nobody asks for it any more, and many parallel states have many moves.
      window.at(-FLOW_SECONDS - 1)?.flow.clear();
    }
    return window;
  }

  const running = (type: string, nowMs: number) => windowAt(type, nowMs).at(-1) as Second;

  return {
    /** As an observer of the path. A batch costs 0.4 us an event. */
    committed: (({ handled, decisions, deadLetters, moves }, _, nowMs) => {
      for (const item of handled) recordHandled(running(item.delivery.lane.type.name, nowMs), item);
      for (const { type, revision } of decisions) {
        const second = running(type, nowMs);
        second.decisions++;
        if (revision > 1) second.revised++;
      }
      for (const { type } of deadLetters) running(type, nowMs).deadLetters++;
      for (const { type, from, to } of moves) addMove(running(type, nowMs).flow, { from, to, count: 1 });
    }) satisfies Observer["committed"],
    /** @param lag - messages stored and not yet applied, as last measured; null while it is not known. */
    recordLag(type: ActorType, lag: number | null, nowMs: number): void {
      running(type.name, nowMs).lag = lag;
    },
    read(type: ActorType, nowMs: number): ActivityReading {
      const window = windowAt(type.name, nowMs);
      const over = window.slice(0, -1);
      const seconds = COUNTS.map((name) => [name, over.map((second) => second[name])]);
      const lateness = Object.keys(type.events).map((eventType) => {
        const sum = createLatenessCounts();
        for (const second of window) addLateness(sum, second.lateness.get(eventType));
        return presentLateness(eventType, sum);
      });
      const flow = addFlow(window.slice(-FLOW_SECONDS).flatMap((second) => [...second.flow.values()]));
      return { seconds: Object.fromEntries(seconds) as SecondlyCounts, flow, lateness };
    },
  };
}

function begin(at: number, lag: number | null): Second {
  return { at, lag, events: 0, decisions: 0, revised: 0, deadLetters: 0, flow: new Map(), lateness: new Map() };
}

function recordHandled(second: Second, { outcome, observation, delivery }: Handled): void {
  if (outcome === "skipped") return;
  second.events++;
  if (observation === undefined || !isNewFact(outcome)) return;
  const counts = second.lateness.get(observation.type) ?? createLatenessCounts();
  second.lateness.set(observation.type, counts);
  countLateness(counts, delivery.storedAtMs - Date.parse(observation.timestamp));
}

function addMove(sums: Map<string, Move>, { from, to, count }: Move): void {
  const name = `${from ?? ""}\n${to}`;
  sums.set(name, { from, to, count: count + (sums.get(name)?.count ?? 0) });
}

/** The sum of those between the same two states. */
function addFlow(moves: readonly Move[]): Move[] {
  const sums = new Map<string, Move>();
  for (const move of moves) addMove(sums, move);
  return [...sums.values()];
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
