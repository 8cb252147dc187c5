import { graceOf } from "../actor/delays.ts";
import type { Lane } from "../wire/lanes.ts";
import type { Clock } from "./clock.ts";
import type { StreamTimes } from "./stream-times.ts";
import { type DueActor, type Examination, endMs, type Tick, type Ticks } from "./ticks.ts";

/** Looks who waits for a delay that has ended. */
export interface TickLooks {
  /** Something was applied to actors of the lane: they may wait for something new. */
  stir(lane: Lane): void;
  /** The lane is no longer ours. */
  forget(lane: Lane): void;
  /** For how long the oldest overdue delay of a type has waited for its tick, ms; 0 when none does. */
  overdueMs(type: Lane["type"]): number;
  stop(): void;
}

/**
 * Actors of a lane whose earliest delay ends before `before`, normalised event time, the oldest first; none in quarantine.
 * Cheap, however many wait.
 */
export type FindDue = (lane: Lane, before: string, limit: number) => readonly DueActor[];

export interface TickLooksOptions {
  readonly clock: Clock;
  readonly times: StreamTimes;
  readonly ticks: Ticks;
  /** Ours, of types with delays, as long as NATS answers. */
  readonly lanes: () => readonly Lane[];
  readonly findDue: FindDue;
  /** Asks the server how far lanes are, and tells `times`. */
  readonly ask: (lanes: readonly Lane[]) => Promise<void>;
  /** Neither waits nor throws. */
  readonly publish: (tick: Tick) => void;
  /** A look failed; the next one is taken all the same. */
  readonly onTrouble: (error: Error) => void;
}

/** Between two looks, at least. */
const LOOK_MS = 250;
/** A lane that has to be read further first. */
const BEHIND_MS = 1000;
/** At least so often it is seen which lanes are ours. */
const TURN_MS = 1000;
/** At least so often a lane is looked at for which nobody has waited. */
const IDLE_MS = 60_000;
const FOREVER = "9999-12-31T23:59:59.999999999Z";

/**
 * Looks at each lane when its earliest delay is over, and soon after something was applied to it: one query a lane for all
 * that wait, no timer and no memory for any of them.
 */
export function startTickLooks(options: TickLooksOptions): TickLooks {
  const { clock, ticks, lanes, ask, publish, onTrouble } = options;
  const agenda = createAgenda(clock);
  const view = createView(options);
  let cancel = () => {};
  let timerMs = Number.NEGATIVE_INFINITY;
  let isLooking = false;
  let isStopped = false;

  function schedule(inMs: number): void {
    cancel();
    timerMs = clock.now() + inMs;
    if (!isStopped) cancel = clock.after(inMs, () => void look());
  }

  async function look(): Promise<void> {
    isLooking = true;
    try {
      await lookAt(agenda.due(lanes()));
    } catch (error) {
      onTrouble(error as Error);
    }
    isLooking = false;
    schedule(Math.min(TURN_MS, Math.max(LOOK_MS, agenda.soonestInMs(lanes()))));
  }

  async function lookAt(due: readonly Lane[]): Promise<void> {
    // Whatever goes wrong, not at once again.
    for (const lane of due) agenda.set(lane, TURN_MS);
    const overdue = due.filter((lane) => {
      const inMs = view.overInMs(lane);
      if (inMs === undefined || inMs <= 0) return inMs !== undefined;
      agenda.set(lane, Math.min(IDLE_MS, inMs));
      // Whoever was overdue has heard it.
      ticks.forget(lane);
      return false;
    });
    let found = overdue.map(view.examine);
    const heldUp = found.filter(({ isBehind }) => isBehind).map(({ lane }) => lane);
    if (heldUp.length > 0) {
      await ask(heldUp);
      const own = lanes();
      found = overdue.filter((lane) => own.includes(lane)).map(view.examine);
    }
    if (isStopped) return;
    const offered = new Set(ticks.offer(found.flatMap(({ ready }) => ready)));
    for (const examined of found) agenda.set(examined.lane, waitOf(examined, offered));
    for (const tick of offered) publish(tick);
  }

  schedule(LOOK_MS);
  return {
    stir(lane) {
      // What is being looked at now is put down anew when that is over.
      if (agenda.hasten(lane, LOOK_MS) && !isLooking && timerMs > clock.now() + LOOK_MS) schedule(LOOK_MS);
    },
    overdueMs: view.overdueMs,
    forget(lane) {
      agenda.forget(lane);
      view.forget(lane);
      ticks.forget(lane);
    },
    stop() {
      isStopped = true;
      cancel();
    },
  };
}

function waitOf({ ready, isBehind, againInMs }: Examination, offered: ReadonlySet<Tick>): number {
  if (ready.some((tick) => !offered.has(tick))) return LOOK_MS;
  return Math.min(isBehind ? BEHIND_MS : TURN_MS, Math.max(LOOK_MS, againInMs));
}

/** When each lane is looked at next; at once where nothing is put down. */
function createAgenda({ now }: Pick<Clock, "now">) {
  const next = new Map<Lane, number>();
  const nextOf = (lane: Lane) => next.get(lane) ?? Number.NEGATIVE_INFINITY;
  return {
    due: (lanes: readonly Lane[]) => lanes.filter((lane) => nextOf(lane) <= now()),
    soonestInMs: (lanes: readonly Lane[]) =>
      lanes.reduce((soonest, lane) => Math.min(soonest, nextOf(lane) - now()), Number.POSITIVE_INFINITY),
    set: (lane: Lane, inMs: number) => void next.set(lane, now() + inMs),
    /** @returns whether it is looked at sooner than it would have been. */
    hasten(lane: Lane, inMs: number): boolean {
      const isSooner = nextOf(lane) > now() + inMs;
      if (isSooner) next.set(lane, now() + inMs);
      return isSooner;
    },
    forget: (lane: Lane) => void next.delete(lane),
  };
}

/** Who waits in a lane, by its stream's time. */
function createView({ times, ticks, findDue }: Pick<TickLooksOptions, "times" | "ticks" | "findDue">) {
  /** The end of each lane's earliest delay, and its grace, ms since the epoch. */
  const earliest = new Map<Lane, number>();
  return {
    /** Ms until the earliest delay is over, grace included; undefined when the stream's time is not known. */
    overInMs(lane: Lane): number | undefined {
      const nowMs = times.now(lane.stream);
      if (nowMs === undefined) return undefined;
      const [first] = findDue(lane, FOREVER, 1);
      earliest.delete(lane);
      if (first === undefined) return Number.POSITIVE_INFINITY;
      const overMs = endMs(first.due) + graceOf(lane.type);
      earliest.set(lane, overMs);
      return overMs - nowMs;
    },
    examine(lane: Lane): Examination {
      const nowMs = times.now(lane.stream) ?? Number.NEGATIVE_INFINITY;
      if (!Number.isFinite(nowMs)) return { lane, ready: [], isBehind: true, againInMs: Number.POSITIVE_INFINITY };
      const limit = ticks.wanted(lane);
      const due = findDue(lane, new Date(nowMs - graceOf(lane.type) + 1).toISOString(), limit);
      return ticks.examine({ lane, nowMs, readToMs: times.readTo(lane) }, due, due.length < limit);
    },
    overdueMs: (type: Lane["type"]) =>
      [...earliest].reduce((most, [lane, overMs]) => {
        const nowMs = lane.type === type ? times.now(lane.stream) : undefined;
        return nowMs === undefined ? most : Math.max(most, nowMs - overMs);
      }, 0),
    forget: (lane: Lane) => void earliest.delete(lane),
  };
}
