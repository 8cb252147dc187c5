import type { ActorEvent } from "../actor/actor-type.ts";
import { asError } from "../actor/as-error.ts";
import { type Drawn, draw, measure } from "../actor/conclude.ts";
import type { HotActor } from "./hot-actors.ts";

/** What a transition led to; `error` means the actor is as it was before. */
export type Transition =
  | { readonly kind: "applied"; readonly conclusion: Drawn }
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
    const now = live.snapshot();
    const completeness = measure(type, now);
    const conclusion = effect.kind === "applied" ? draw(type, now, standing) : undefined;
    actor.completeness = completeness;
    return conclusion === undefined ? { kind: "superseded" } : { kind: "applied", conclusion };
  } catch (thrown) {
    live.rewind();
    return { kind: "error", error: asError(thrown) };
  }
}
