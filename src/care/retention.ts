import type { ActorType } from "../actor/actor-type.ts";
import type { BatchResult } from "../flow/batch-result.ts";
import { type Clock, inRounds, SYSTEM_CLOCK } from "../flow/clock.ts";
import type { ReachCrashPoint } from "../flow/crash-points.ts";
import type { History, RetiredRows } from "../flow/retired.ts";
import type { RetiredRow } from "../flow/rows.ts";
import type { Lane } from "../wire/lanes.ts";
import type { Restoration } from "./restoration.ts";
import type { Retirement } from "./retirement.ts";

export interface RetentionOptions {
  readonly types: readonly ActorType[];
  readonly rows: RetiredRows;
  readonly retirement: Pick<Retirement, "step">;
  readonly restoration: Restoration;
  /** Null: nobody is retired; who is already comes back all the same. */
  readonly retainMs: number | null;
  /** Lanes of a type that are ours and of which everything stored is applied; none while there is anything else to do. */
  readonly idleLanes: (type: ActorType) => readonly Lane[];
  /** The lane of an actor when it is ours. */
  readonly laneOf: (row: RetiredRow) => Lane | undefined;
  /** Reads what the streams hold of an actor, its messages up to a stream sequence. */
  readonly readHistory: (lane: Lane, actorId: string, upTo: number) => Promise<History>;
  /** Rejects unless the stream is the one the store has read: of another one nothing can be said. */
  readonly checkStream: (lane: Lane) => Promise<void>;
  /** As after any other batch. */
  readonly onCommitted: (result: BatchResult, commitMs: number) => void;
  readonly onRetired: (type: ActorType, count: number, stepMs: number) => void;
  /** @param restored - false: the streams no longer hold enough, its late events are dead letters. */
  readonly onRestored: (lane: Lane, row: RetiredRow, restored: boolean) => void;
  /** Something did not work, for example because NATS is away; it is tried again. */
  readonly onTrouble: (error: Error) => void;
  readonly clock?: Clock;
  readonly reached?: ReachCrashPoint;
}

/** Between two steps: where somebody was retired and there is more to be done, and where there is nothing more. */
const STEP_MS = 50;
/** Where nobody was: of a million that are old and not settled each walk looks at all, 11 us for each. */
const WALK_MS = 200;
const REST_MS = 1000;
/** Late events wait for this long at most before they are looked after. */
const LOOK_MS = 200;
const RETRY_MS = 2000;
/** Histories read at once, and their events: they are in memory until they are applied. */
const READ_AT_ONCE = 16;
const EVENTS_AT_ONCE = 1000;

/**
 * Retires actors slowly, and brings back those about which late events have come, for as long as the daemon runs.
 *
 * What is to be brought back is in the store: a crash, NATS away or a lane that goes to another owner only delay it.
 *
 * @returns ends it at once. Safe to call twice.
 */
export function startRetention(options: RetentionOptions): () => void {
  const { types, rows, retirement, restoration, retainMs, idleLanes, laneOf } = options;
  const { onCommitted, onRetired, onRestored, onTrouble, clock = SYSTEM_CLOCK, reached = () => {} } = options;
  let stopped = false;
  const endSteps = retainMs === null ? () => {} : inRounds(clock, REST_MS, () => stepOn(retainMs));
  const endLooks = inRounds(clock, LOOK_MS, lookOn);

  /** @returns ms until the next step. */
  function stepOn(keepMs: number): number {
    let hasMore = false;
    let restMs = WALK_MS;
    for (const type of types) {
      try {
        const startedMs = clock.now();
        const lanes = idleLanes(type);
        if (lanes.length === 0) continue;
        const step = retirement.step(type, lanes, keepMs);
        if (step.retired > 0) onRetired(type, step.retired, clock.now() - startedMs);
        hasMore ||= step.hasMore;
        if (step.retired > 0) restMs = STEP_MS;
      } catch (error) {
        onTrouble(error as Error);
      }
    }
    return hasMore ? restMs : REST_MS;
  }

  /** @returns ms until the next look. */
  async function lookOn(): Promise<number> {
    const failures: unknown[] = [];
    for (const type of types) await restoreWanted(type, failures).catch((error: unknown) => failures.push(error));
    // Once a round: when NATS is away it is the same for all of them.
    if (failures.length > 0 && !stopped) onTrouble(failures[0] as Error);
    return failures.length > 0 ? RETRY_MS : LOOK_MS;
  }

  /** One that fails stops no other. */
  async function restoreWanted(type: ActorType, failures: unknown[]): Promise<void> {
    for (let after = ""; !stopped; ) {
      const page = rows.wanted(type.name, after, READ_AT_ONCE);
      const last = page.at(-1);
      if (last === undefined) return;
      for (const group of groupByEvents(page)) {
        const settled = await Promise.allSettled(group.map(restore));
        failures.push(...settled.flatMap((result) => (result.status === "rejected" ? [result.reason] : [])));
      }
      after = last.actorId;
    }
  }

  async function restore(row: RetiredRow): Promise<void> {
    const lane = laneOf(row);
    if (lane === undefined) return;
    const upTo = row.sequence === 0 ? Number.POSITIVE_INFINITY : row.sequence;
    const past = restoration.recognise(row, await options.readHistory(lane, row.actorId, upTo));
    reached("history_read");
    if (past === undefined) await options.checkStream(lane);
    // Much may have happened meanwhile; the store says whether it is still to be done.
    if (stopped || laneOf(row) === undefined) return;
    const startedMs = clock.now();
    const result =
      past === undefined ? restoration.giveUp(lane, row.actorId) : restoration.bringBack(lane, row.actorId, past);
    if (result === undefined) return;
    onCommitted(result, clock.now() - startedMs);
    onRestored(lane, row, past !== undefined);
  }

  return () => {
    stopped = true;
    endSteps();
    endLooks();
  };
}

/** In order; one with more than {@link EVENTS_AT_ONCE} is alone. */
function groupByEvents(page: readonly RetiredRow[]): RetiredRow[][] {
  const groups: RetiredRow[][] = [];
  let events = Number.POSITIVE_INFINITY;
  for (const row of page) {
    events += row.events;
    if (events > EVENTS_AT_ONCE) {
      groups.push([]);
      events = row.events;
    }
    groups.at(-1)?.push(row);
  }
  return groups;
}
