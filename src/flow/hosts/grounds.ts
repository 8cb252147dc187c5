import { isDeepStrictEqual } from "node:util";
import { showToRules } from "../../actor/actor-snapshot.ts";
import type { ActorEvent, ActorSnapshot, ActorType, DecisionContent } from "../../actor/actor-type.ts";
import type { Grounds } from "../../actor/conclude.ts";
import type { Anchor } from "./anchors.ts";
import type { Past } from "./fact.ts";
import { comparePlaces, type Place, placeOf } from "./fact-order.ts";
import type { Actor } from "./fold.ts";
import { retell } from "./retell.ts";
import type { Moment } from "./statechart.ts";
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
  /** The timeline's base has moved. @returns what there is to keep with it. */
  settle(base: Anchor, past: Past): Grounds;
  /** Forgets what it knows of facts after this place: another has happened there. */
  forgetAfter(place: Place): void;
  forget(): void;
}

/** What is folded once and for all, and what was known of it. */
export interface Settled {
  readonly base: Anchor;
  readonly grounds: Grounds;
}

interface Told {
  readonly grounds: Grounds;
  /** As it is after the last fact. */
  readonly latest: Known | undefined;
}

/** As it is after a fact. */
interface Known extends Grounds {
  readonly at: Pick<Anchor, "place" | "moment">;
  readonly content: unknown;
}

/** @param settled - of the timeline's base, as {@link Grounding.settle} gave them; absent without one. */
export function createGrounding(type: ActorType, actor: Actor, settled?: Settled): Grounding {
  /** Of what is folded once and for all. */
  let floor: Known | undefined = settled && {
    ...settled.grounds,
    at: settled.base,
    content: contentAt(type, settled.base.moment),
  };
  let known: Known | undefined;

  function tell(from: Known | undefined, passed: string | null, facts: readonly ActorEvent[]): Told {
    let grounds: Grounds = from ?? { basedOn: [], decidedAt: null };
    let content = from?.content;
    let latest = from;
    for (const { kind, event, at, isHandled, moment } of retell(actor, { base: from?.at, passed }, facts)) {
      const { basedOn, decidedAt } = grounds;
      const now = contentAt(type, moment);
      grounds = {
        basedOn: kind === "fact" && isHandled ? [...basedOn, event.eventId].slice(-MAX_FACTS) : basedOn,
        decidedAt: decidedAt === null || !isDeepStrictEqual(now, content) ? at : decidedAt,
      };
      content = now;
      // A delay may be undone by the next fact.
      if (kind === "fact") latest = { ...grounds, at: { place: placeOf(event), moment }, content };
    }
    return { grounds: { basedOn: grounds.basedOn, decidedAt: grounds.decidedAt }, latest };
  }

  return {
    ground(timeline, past) {
      if (timeline === undefined) return { basedOn: [], decidedAt: null };
      const from = known ?? floor;
      const { grounds, latest } = tell(from, timeline.passed, past(from?.at.place));
      known = latest;
      return grounds;
    },
    settle(base, past) {
      const isSettled = (fact: ActorEvent) => comparePlaces(fact, base.place) <= 0;
      const { latest, grounds } = tell(floor, null, past(floor?.at.place).filter(isSettled));
      floor = latest;
      if (known !== undefined && comparePlaces(known.at.place, base.place) < 0) known = undefined;
      return grounds;
    },
    forgetAfter(place) {
      if (known !== undefined && comparePlaces(place, known.at.place) < 0) known = undefined;
    },
    forget() {
      known = undefined;
    },
  };
}

function contentAt(type: ActorType, { snapshot }: Moment): DecisionContent | null | symbol {
  return contentOf(type, showToRules(snapshot));
}

/** A moment that is over may be one the rule fails on: what is not known is another content each time. */
function contentOf(type: ActorType, actor: ActorSnapshot): DecisionContent | null | symbol {
  try {
    return type.conclude(actor).content;
  } catch {
    return Symbol("failed");
  }
}
