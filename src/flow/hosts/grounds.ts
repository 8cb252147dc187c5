import { isDeepStrictEqual } from "node:util";
import { showToRules } from "../../actor/actor-snapshot.ts";
import type { ActorSnapshot, ActorType, DecisionContent } from "../../actor/actor-type.ts";
import type { Grounds } from "../../actor/conclude.ts";
import type { Anchor } from "./anchors.ts";
import type { Past } from "./fact.ts";
import { comparePlaces, type Place, placeOf } from "./fact-order.ts";
import type { Actor } from "./fold.ts";
import { retell } from "./retell.ts";
import type { Timeline } from "./timeline.ts";

/** Ids of facts that a decision names at most. */
const MAX_FACTS = 100;

/**
 * What an actor's conclusions rest on, where its rule does not say: the facts that were applied, in the order in which they
 * happened, and since when the same has followed. Tells the fold step by step, and the next time only what came since.
 */
export interface Grounding {
  /** @param past - of all facts the timeline holds. */
  ground(timeline: Timeline | undefined, past: Past): Grounds;
  /** Forgets what it knows of facts after this place: another has happened there. */
  forgetAfter(place: Place): void;
  forget(): void;
}

/** As it is after a fact. */
interface Known extends Grounds {
  readonly at: Pick<Anchor, "place" | "moment">;
  readonly content: unknown;
}

export function createGrounding(type: ActorType, actor: Actor): Grounding {
  let known: Known | undefined;
  return {
    ground(timeline, past) {
      let grounds: Grounds = { basedOn: [], decidedAt: null };
      if (timeline === undefined) return grounds;
      const { base, passed } = timeline;
      if (base !== undefined && known !== undefined && comparePlaces(known.at.place, base.place) < 0) known = undefined;
      const from = known?.at ?? base;
      let content = known?.content;
      if (known !== undefined) grounds = known;
      for (const { kind, event, at, isHandled, moment } of retell(actor, { base: from, passed }, past(from?.place))) {
        const { basedOn, decidedAt } = grounds;
        const now = contentOf(type, showToRules(moment.snapshot));
        grounds = {
          basedOn: kind === "fact" && isHandled ? [...basedOn, event.eventId].slice(-MAX_FACTS) : basedOn,
          decidedAt: decidedAt === null || !isDeepStrictEqual(now, content) ? at : decidedAt,
        };
        content = now;
        // A delay may be undone by the next fact.
        if (kind === "fact") known = { ...grounds, at: { place: placeOf(event), moment }, content };
      }
      return { basedOn: grounds.basedOn, decidedAt: grounds.decidedAt };
    },
    forgetAfter(place) {
      if (known !== undefined && comparePlaces(place, known.at.place) < 0) known = undefined;
    },
    forget() {
      known = undefined;
    },
  };
}

/** A moment that is over may be one the rule fails on: what is not known is another content each time. */
function contentOf(type: ActorType, actor: ActorSnapshot): DecisionContent | null | symbol {
  try {
    return type.conclude(actor).content;
  } catch {
    return Symbol("failed");
  }
}
