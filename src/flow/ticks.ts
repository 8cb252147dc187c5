import { graceOf } from "../actor/delays.ts";
import { compareTimestamps } from "../actor/event-time.ts";
import type { Lane } from "../wire/lanes.ts";
import type { Clock } from "./clock.ts";

/** An actor that waits for a delay, as the store notes it. */
export interface DueActor {
  readonly actorId: string;
  /** When its earliest delay ends, or before: normalised event time. */
  readonly due: string;
}

/** Says to an actor up to when time has passed. */
export interface Tick {
  readonly lane: Lane;
  readonly actorId: string;
  /** When a delay of it ended, normalised event time. */
  readonly due: string;
}

/** A lane at one moment, ms since the epoch by its stream's clock. */
export interface LaneMoment {
  readonly lane: Lane;
  readonly nowMs: number;
  /** Every message stored before is applied. */
  readonly readToMs: number;
}

/** What may be done about a lane's overdue actors. */
export interface Examination {
  readonly lane: Lane;
  /** May be offered now, oldest first. */
  readonly ready: readonly Tick[];
  /** Some have to wait until the lane has been read further. */
  readonly isBehind: boolean;
  /** Ms until the next one may be offered again; infinite when none waits for that. */
  readonly againInMs: number;
}

/** Which due actors get a tick, and when. Keeps nothing of those that have none on its way. */
export interface Ticks {
  /** How many of a lane's overdue actors are worth knowing: those that have a tick on its way, and those that may get one. */
  wanted(lane: Lane): number;
  /**
   * @param due - overdue actors that are not in quarantine, the oldest first.
   * @param isAll - there are no others.
   */
  examine(moment: LaneMoment, due: readonly DueActor[], isAll: boolean): Examination;
  /** @returns those to be published now: as many as the rate allows, oldest first. */
  offer(ready: readonly Tick[]): readonly Tick[];
  /** Of a type, how many have a tick on its way that has not been heard. */
  onTheirWay(type: Lane["type"]): number;
  /** Nobody in the lane is overdue, or it is no longer ours. */
  forget(lane: Lane): void;
}

export interface TicksOptions {
  readonly clock: Pick<Clock, "now">;
  /** Ticks a second, at most, of this daemon. */
  readonly perSecond: number;
  /** 0 to 1. */
  readonly random?: () => number;
}

interface Offer {
  readonly due: string;
  readonly times: number;
  /** When it may be offered again, monotonic ms. */
  readonly againMs: number;
  /** The stream's time at which it was offered: once the lane is read so far it should have been heard. */
  readonly offeredAtMs: number;
}

const AGAIN_MS = 1000;
const MAX_AGAIN_MS = 60_000;
/** Of one lane, however few go in a second. */
const MIN_ON_THEIR_WAY = 100;
/** Of a second: what may go out at once. */
const BURST_S = 0.5;

/**
 * A tick names the end of the actor's earliest delay. When it is heard, all delays that had ended by then act with it, since
 * any message says that all but the last `graceMs` before its storing have passed: so one tick is enough for however many
 * delays are overdue, and the same one is offered until it is heard.
 */
export function createTicks({ clock, perSecond, random = Math.random }: TicksOptions): Ticks {
  const offers = new Map<Lane, Map<string, Offer>>();
  const burst = Math.max(1, perSecond * BURST_S);
  /** On their way in a lane, at most: where none is heard, no more are sent. */
  const maxOnTheirWay = Math.max(MIN_ON_THEIR_WAY, perSecond);
  let tokens = burst;
  let filledMs = clock.now();
  /** When the lanes were last examined, by their streams' time. */
  const examinedAtMs = new Map<Lane, number>();

  const offersOf = (lane: Lane) => offers.get(lane) ?? new Map<string, Offer>();

  function fill(): void {
    const nowMs = clock.now();
    tokens = Math.min(burst, tokens + ((nowMs - filledMs) * perSecond) / 1000);
    filledMs = nowMs;
  }

  function note({ lane, actorId, due }: Tick): void {
    const own = offersOf(lane);
    const before = own.get(actorId);
    const times = before?.due === due ? before.times + 1 : 1;
    const againMs = Math.min(MAX_AGAIN_MS, AGAIN_MS * 2 ** (times - 1)) * (1 - random() / 4);
    const offeredAtMs = examinedAtMs.get(lane) ?? Number.POSITIVE_INFINITY;
    own.set(actorId, { due, times, againMs: clock.now() + againMs, offeredAtMs });
    offers.set(lane, own);
  }

  return {
    wanted: (lane) => offersOf(lane).size + Math.ceil(burst),
    examine({ lane, nowMs, readToMs }, due, isAll) {
      const own = offersOf(lane);
      forgetHeard(own, due, isAll);
      examinedAtMs.set(lane, nowMs);
      const graceMs = graceOf(lane.type);
      const ready: Tick[] = [];
      let room = maxOnTheirWay - own.size;
      let isBehind = false;
      let againInMs = Number.POSITIVE_INFINITY;
      for (const { actorId, due: at } of due) {
        const overMs = endMs(at) + graceMs;
        if (overMs > nowMs) break;
        const offer = own.get(actorId);
        const isAgain = offer !== undefined && compareTimestamps(at, offer.due) <= 0;
        const inMs = isAgain ? offer.againMs - clock.now() : 0;
        const neededMs = isAgain ? Math.max(overMs, offer.offeredAtMs) : overMs;
        if (inMs > 0) againInMs = Math.min(againInMs, inMs);
        else if (neededMs > readToMs) isBehind = true;
        else if (offer !== undefined || room-- > 0) ready.push({ lane, actorId, due: at });
      }
      return { lane, ready, isBehind, againInMs };
    },
    offer(ready) {
      fill();
      const now = ready.toSorted((a, b) => compareTimestamps(a.due, b.due)).slice(0, Math.floor(tokens));
      tokens -= now.length;
      for (const tick of now) note(tick);
      return now;
    },
    onTheirWay: (type) => [...offers].reduce((sum, [lane, { size }]) => (lane.type === type ? sum + size : sum), 0),
    forget(lane) {
      offers.delete(lane);
      examinedAtMs.delete(lane);
    },
  };
}

/** Who is not overdue any more has heard it. Of those that come after the ones that are known nothing is said. */
function forgetHeard(offers: Map<string, Offer>, due: readonly DueActor[], isAll: boolean): void {
  const last = due.at(-1);
  const ids = new Set(due.map(({ actorId }) => actorId));
  for (const [actorId, offer] of offers) {
    const isKnown = isAll || (last !== undefined && compareTimestamps(offer.due, last.due) < 0);
    if (isKnown && !ids.has(actorId)) offers.delete(actorId);
  }
}

/** @returns ms since the epoch, not before the end. */
export function endMs(due: string): number {
  return Date.parse(due) + (due.length > "2026-01-01T00:00:00.000Z".length ? 1 : 0);
}
