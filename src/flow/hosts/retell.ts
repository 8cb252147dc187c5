import type { ActorEvent } from "../../actor/actor-type.ts";
import type { Anchor } from "./anchors.ts";
import { freezeFact } from "./fact.ts";
import { factsAfter } from "./fact-order.ts";
import { type Actor, attempt, begin, FoldFault, foldFact, foldTime, type Step } from "./fold.ts";
import type { Timeline } from "./timeline.ts";

/**
 * Tells today's fold of an actor, step by step in event-time order, from its base on: the delays between its facts, and
 * after the last those due by the time passed. The last step's moment is the timeline's `end.now`.
 *
 * @param facts - all that the base does not hold; in any order, older ones are left out.
 * @returns where the fold cannot go on, undefined when it reaches its end.
 */
export function retell(
  actor: Actor,
  { base, passed }: Pick<Timeline, "passed"> & { readonly base: Pick<Anchor, "place" | "moment"> | undefined },
  facts: readonly ActorEvent[],
  tell: (step: Step) => void,
): FoldFault | undefined {
  const sorted = factsAfter(base?.place, facts);
  const [first] = sorted;
  if (base === undefined && first === undefined) return undefined;
  const end = attempt(() => {
    let point = base === undefined ? begin(actor, first as ActorEvent) : { moment: base.moment, delays: 0 };
    for (const fact of sorted.map(freezeFact)) point = foldFact(actor, point, fact, tell).after;
    return foldTime(actor, point, passed, tell);
  });
  return end instanceof FoldFault ? end : undefined;
}
