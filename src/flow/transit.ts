import type { ActorEvent, Conclusion } from "../actor/actor-type.ts";
import { asError } from "../actor/as-error.ts";
import { draw, measure } from "../actor/conclude.ts";
import type { HotActor } from "./hot-actors.ts";

/** What a transition led to; `error` means the actor is as it was before. */
export type Transition =
  | { readonly kind: "applied"; readonly conclusion: Conclusion }
  | { readonly kind: "superseded" }
  | { readonly kind: "error"; readonly error: Error };

/**
 * Lets an event act on an actor and draws the conclusion.
 *
 * All that an actor's machine, rules and data can do wrong is found here, at the event that did it: what comes after
 * only writes, so that what fails there is the disk's trouble and no actor's.
 */
export function transit(actor: HotActor, event: ActorEvent): Transition {
  const { live, standing } = actor;
  const { type } = actor.lane;
  const effect = live.send(event);
  if (effect.kind === "error") return effect;
  try {
    const context = live.context();
    const completeness = measure(type, context);
    const conclusion = effect.kind === "applied" ? draw(type, context, standing) : undefined;
    actor.completeness = completeness;
    return conclusion === undefined ? { kind: "superseded" } : { kind: "applied", conclusion };
  } catch (thrown) {
    live.rewind();
    return { kind: "error", error: asError(thrown) };
  }
}
