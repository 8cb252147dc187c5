import type { ActorType } from "../actor/actor-type.ts";
import { type Clock, SYSTEM_CLOCK } from "../flow/clock.ts";
import type { ReachCrashPoint } from "../flow/crash-points.ts";
import type { HotActors } from "../flow/hot-actors.ts";
import type { Journal } from "../flow/journal.ts";
import { digestOf, type QuietActor, type QuietPlace, type RetiredRows } from "../flow/retired.ts";
import { createTallies, type Tallies, wholePercent } from "../flow/tallies.ts";
import type { Lane } from "../wire/lanes.ts";

export interface RetirementOptions {
  readonly journal: Journal;
  readonly rows: RetiredRows;
  readonly actors: HotActors;
  readonly clock?: Pick<Clock, "now">;
  readonly reached?: ReachCrashPoint;
}

/** Rows looked at in one step. */
const MAX_ROWS = 100;
/** A step begins no further actor after this; the commit takes about as long again. */
const MAX_STEP_MS = 2;

const BEGINNING: QuietPlace = { firstSeenAtMs: Number.MIN_SAFE_INTEGER, id: "" };

interface Walk {
  readonly nowMs: number;
  /** By partition. */
  readonly own: ReadonlyMap<number, Lane>;
  readonly place: QuietPlace;
  readonly found: readonly QuietActor[];
  readonly due: readonly QuietActor[];
}

/** Gives up the rows of actors that have been settled for long, a few at a time. */
export type Retirement = ReturnType<typeof createRetirement>;

export function createRetirement(options: RetirementOptions) {
  const { journal, rows, actors, clock = SYSTEM_CLOCK, reached = () => {} } = options;
  /** By type: those behind it were retired, or are not to be yet; the walk comes to them again. */
  const places = new Map<string, QuietPlace>();

  /** @returns how many were looked at, for as long as a step may take, and how many of these were retired. */
  function retireAll({ due, own, nowMs }: Walk, may: (actor: QuietActor) => boolean) {
    const startedMs = clock.now();
    const tallies = createTallies();
    let looked = 0;
    let retired = 0;
    journal.transaction(() => {
      for (const actor of due) {
        if (looked > 0 && clock.now() - startedMs > MAX_STEP_MS) break;
        looked++;
        const lane = own.get(actor.partition);
        if (lane === undefined || !may(actor)) continue;
        retire(actor, lane, nowMs, tallies);
        retired++;
      }
      tallies.save(journal);
      reached("retiring");
    });
    reached("retired");
    return { looked, retired };
  }

  function retire(actor: QuietActor, lane: Lane, nowMs: number, tallies: Tallies): void {
    const { key, id: actorId, partition, events, revision, updatedAtMs } = actor;
    const type = lane.type.name;
    const sequence = journal.checkpoint(lane);
    const digest = digestOf(rows.eventIds(key));
    const row = { type, actorId, partition, sequence, events, digest, revision, updatedAtMs, retiredAtMs: nowMs };
    rows.retire({ ...row, status: "kept" }, key);
    actors.evict(lane, actorId);
    tallies.move(lane, "state", actor.state, null);
    tallies.move(lane, "standing", actor.decisionType, null);
    tallies.move(lane, "completeness", wholePercent(actor.completeness), null);
    tallies.add(lane, "retired", 1);
  }

  /** @returns those that are old at the place of the walk, and those of them that are to be retired. */
  function find(type: ActorType, lanes: readonly Lane[], retainMs: number): Walk | undefined {
    const [any] = lanes;
    const nowMs = any === undefined ? null : rows.heardMs(any.stream);
    if (nowMs === null) return undefined;
    const own = new Map(lanes.map((lane) => [lane.partition, lane]));
    const place = places.get(type.name) ?? BEGINNING;
    const found = rows.quiet(type.name, nowMs - retainMs, place, MAX_ROWS);
    const due = found.filter(({ isSettled, partition }) => isSettled === 1 && own.has(partition));
    return { nowMs, own, place, found, due };
  }

  return {
    /**
     * One transaction, of a few milliseconds at most: events wait for it.
     *
     * Age is stream time, held against the latest message of the type that was applied: a clock that jumps retires nobody, and
     * neither does a stream in which nothing happens.
     *
     * @param lanes - the type's lanes of which everything stored is applied; actors of others are left alone.
     * @param may - asked of each; those for which it is false are passed over.
     * @returns `hasMore` false: the walk has come to its end, and the next step begins anew.
     * @throws when the commit fails; then nothing happened.
     */
    step(type: ActorType, lanes: readonly Lane[], retainMs: number, may: (actor: QuietActor) => boolean = () => true) {
      const walk = find(type, lanes, retainMs);
      if (walk === undefined) return { retired: 0, hasMore: false };
      const { place, found, due } = walk;
      const { looked, retired } = due.length === 0 ? { looked: 0, retired: 0 } : retireAll(walk, may);
      const hasMore = looked < due.length || found.length === MAX_ROWS;
      places.set(type.name, hasMore ? ((looked < due.length ? due[looked - 1] : found.at(-1)) ?? place) : BEGINNING);
      return { retired, hasMore };
    },
    /** Those of these lanes about whom the next step decides; nothing happens to them. */
    due(type: ActorType, lanes: readonly Lane[], retainMs: number): readonly QuietActor[] {
      return find(type, lanes, retainMs)?.due ?? [];
    },
  };
}
