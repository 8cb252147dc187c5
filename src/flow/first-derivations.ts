import type { ActorEvent, ActorType } from "../actor/actor-type.ts";
import { draw, groundless, measure, NOTHING_HEARD } from "../actor/conclude.ts";
import { findNonDeterminism } from "../actor/determinism.ts";
import type { Past } from "./hosts/fact.ts";
import type { HotActor } from "./hot-actors.ts";

/** Events of a type that are tried twice. */
const FIRST = 16;

/**
 * Tries the first events of each type twice, under different clocks and different chance: who looks at these comes to
 * something else each time it is derived.
 *
 * @returns what tries one on an actor, which stays as it is. It names what the machine or a rule looked at, for example
 *   `Date`; undefined when nothing was found.
 */
export function createFirstDerivations(): (actor: HotActor, event: ActorEvent, past: Past) => string | undefined {
  const tried = new Map<ActorType, number>();
  return (actor, event, past) => {
    const { type } = actor.lane;
    const count = tried.get(type) ?? 0;
    if (count === FIRST) return undefined;
    tried.set(type, count + 1);
    return findNonDeterminism(() => derive(actor, event, past));
  };
}

function derive({ live, lane: { type } }: HotActor, event: ActorEvent, past: Past): unknown {
  const effect = live.send(event, past);
  // It has undone that itself.
  if (effect.kind === "error") throw effect.error;
  try {
    if (effect.kind === "held") throw effect.error;
    const now = live.snapshot();
    return [
      effect,
      live.persist().snapshot,
      draw(type, type.conclude(now), null, groundless(type)),
      measure(type, now, NOTHING_HEARD),
    ];
  } finally {
    live.rewind();
  }
}
