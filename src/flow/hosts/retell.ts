import type { ActorEvent } from "../../actor/actor-type.ts";
import type { Anchor } from "./anchors.ts";
import { freezeFact } from "./fact.ts";
import { factsAfter } from "./fact-order.ts";
import { type Actor, begin, type Fired, FoldFault, foldFact, foldTime, type Point } from "./fold.ts";
import { isHandled, type Moment } from "./statechart.ts";
import type { Timeline } from "./timeline.ts";

/** One step of a fold: a fact that acts, or a delay that ends. */
export type Retold = (
  | { readonly kind: "fact"; readonly event: ActorEvent }
  /** With what the machine hears: `xstate.after.30000.order.open` or the event raised, and when it was due. */
  | { readonly kind: "delay"; readonly event: Fired["event"] }
) & {
  /** Event time. */
  readonly at: string;
  /** Whether a transition was selected for it. */
  readonly isHandled: boolean;
  /** What the actor was after it. */
  readonly moment: Moment;
};

/**
 * Tells today's fold of an actor, step by step in event-time order, from its base on: the delays between its facts, and
 * after the last those due by the time passed. The last step's moment is the timeline's `end.now`.
 *
 * @param facts - all that the base does not hold; in any order, older ones are left out.
 * @returns where the fold cannot go on, undefined when it reaches its end.
 */
export function* retell(
  actor: Actor,
  { base, passed }: Pick<Timeline, "passed"> & { readonly base: Pick<Anchor, "place" | "moment"> | undefined },
  facts: readonly ActorEvent[],
): Generator<Retold, FoldFault | undefined, void> {
  try {
    const sorted = factsAfter(base?.place, facts);
    const [first] = sorted;
    if (base === undefined && first === undefined) return undefined;
    let point = base === undefined ? begin(actor, first as ActorEvent) : { moment: base.moment, delays: 0 };
    for (const fact of sorted) point = yield* retellFact(actor, point, freezeFact(fact));
    yield* retellDelays(foldTime(actor, point, passed));
    return undefined;
  } catch (error) {
    if (error instanceof FoldFault) return error;
    throw error;
  }
}

function* retellFact(actor: Actor, from: Point, event: ActorEvent): Generator<Retold, Point, void> {
  const { before, after } = yield* retellDelays(foldFact(actor, from, event));
  const { moment } = after;
  yield { kind: "fact", event, at: event.timestamp, isHandled: isHandled(before, moment, event), moment };
  return after;
}

function* retellDelays<Result>(fold: Generator<Fired, Result, void>): Generator<Retold, Result, void> {
  for (;;) {
    const { done, value } = fold.next();
    if (done === true) return value;
    const { event, before, after: moment } = value;
    yield { kind: "delay", event, at: event.timestamp, isHandled: isHandled(before, moment, event), moment };
  }
}
