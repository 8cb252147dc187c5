import type { AnyStateMachine } from "xstate";
import { nodesOf, pathOf } from "../../actor/state-text.ts";
import type { Timeline } from "./timeline.ts";
import { findNext, type Timers } from "./timers.ts";

/** A delay that an actor waits for. */
export interface Wait {
  /** Of an `after`, its state, for example `review.documents`; of a delayed `raise`, the event type. */
  readonly path: string;
  /** When it ends, normalised event time. */
  readonly at: string;
}

/** @returns what the actor waits for, the earliest first; nothing while its facts cannot be folded. */
export function waitsOf(machine: AnyStateMachine, timeline: Timeline): Wait[] {
  const states = new Map(
    [...nodesOf(machine.root)].flatMap((node) => node.after.map(({ eventType }) => [eventType, pathOf(node)] as const)),
  );
  const waits: Wait[] = [];
  for (let timers = running(timeline); ; ) {
    const next = findNext(timers);
    if (next === undefined) return waits;
    waits.push({ path: states.get(next.event.type) ?? next.event.type, at: next.due });
    timers = timers.filter((timer) => timer !== next);
  }
}

/** @returns when the next delay ends, null when the actor waits for nothing. */
export function nextDue(timeline: Timeline): string | null {
  return findNext(running(timeline))?.due ?? null;
}

function running({ end, fault }: Timeline): Timers {
  return fault === undefined && end !== undefined ? end.now.moment.timers : [];
}
