import { isDeepStrictEqual } from "node:util";
import { showToRules } from "../../actor/actor-snapshot.ts";
import type { ActorEvent, ActorSnapshot, ActorType, DecisionContent } from "../../actor/actor-type.ts";
import type { Grounds } from "../../actor/conclude.ts";
import type { Actor } from "./fold.ts";
import { retell } from "./retell.ts";
import type { Timeline } from "./timeline.ts";

/** Ids of facts that a decision names at most. */
const MAX_FACTS = 100;

/**
 * What an actor's conclusion rests on, where its rule does not say: the facts that were applied, in the order in which
 * they happened, and since when the same has followed. Tells the whole fold once more: asked for when a decision is taken.
 *
 * @param facts - all that the timeline's base does not hold.
 */
export function groundsOf(
  type: ActorType,
  actor: Actor,
  timeline: Timeline | undefined,
  facts: readonly ActorEvent[],
): Grounds {
  const applied: string[] = [];
  let content: unknown;
  let decidedAt: string | null = null;
  if (timeline === undefined) return { basedOn: applied, decidedAt };
  for (const { kind, event, at, isHandled, moment } of retell(actor, timeline, facts)) {
    if (kind === "fact" && isHandled) applied.push(event.eventId);
    const now = contentOf(type, showToRules(moment.snapshot));
    if (decidedAt === null || !isDeepStrictEqual(now, content)) decidedAt = at;
    content = now;
  }
  return { basedOn: applied.slice(-MAX_FACTS), decidedAt };
}

/** A moment that is over may be one the rule fails on: what is not known is another content each time. */
function contentOf(type: ActorType, actor: ActorSnapshot): DecisionContent | null | symbol {
  try {
    return type.conclude(actor).content;
  } catch {
    return Symbol("failed");
  }
}
