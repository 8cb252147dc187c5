import { isDeepStrictEqual } from "node:util";
import { showToRules } from "../../actor/actor-snapshot.ts";
import type { ActorEvent, ActorSnapshot, ActorType, DecisionContent } from "../../actor/actor-type.ts";
import type { Grounds } from "../../actor/conclude.ts";
import type { Anchor } from "./anchors.ts";
import type { Past } from "./fact.ts";
import { comparePlaces, type Place, placeOf } from "./fact-order.ts";
import type { Actor, Step } from "./fold.ts";
import { retell } from "./retell.ts";
import type { Moment } from "./statechart.ts";
import type { Acted, Timeline } from "./timeline.ts";

/** Ids of facts that a decision names at most. */
const MAX_FACTS = 100;
/** Steps kept: what happened before them is read when it is asked for. */
const MAX_STEPS = 64;

/**
 * What an actor's conclusions rest on, where its rule does not say: the facts that were applied, in the order in which they
 * happened, and since when the same has followed. Follows the fold step by step, and tells what it could not follow from
 * the facts.
 */
export interface Grounding {
  /** @param place - of a fact that was heard. @param acted - see `hear`. */
  follow(place: Place, acted: Acted | undefined): void;
  /** @param past - of all facts the timeline holds; asked where it could not follow. */
  ground(timeline: Timeline | undefined, past: Past): Grounds;
  /** The timeline's base has moved. @returns what there is to keep with it. */
  settle(base: Anchor, past: Past): Grounds;
  forget(): void;
}

/** What is folded once and for all, and what was known of it. */
export interface Settled {
  readonly base: Anchor;
  readonly grounds: Grounds;
}

/** As it is after a fact. */
interface Known extends Told {
  readonly at: Pick<Anchor, "place" | "moment">;
}

/** As it is after a step. */
interface Told extends Grounds {
  readonly content: unknown;
}

interface Followed {
  readonly step: Step;
  /** Told when it is asked for. */
  told?: Told;
}

/**
 * @param from - of an actor that has heard something before: what {@link Grounding.settle} gave of its timeline's base, or
 *   that it has none.
 */
export function createGrounding(type: ActorType, actor: Actor, from?: Settled | "unsettled"): Grounding {
  const settled = from === "unsettled" ? undefined : from;
  /** Of what is folded once and for all. */
  let floor: Known | undefined = settled && {
    ...settled.grounds,
    at: settled.base,
    content: contentAt(type, settled.base.moment),
  };
  /** Before the steps followed; undefined: they begin with the first fact, or nothing is known but the floor. */
  let origin = floor;
  /** All that has acted since, up to the last fact; undefined when that is not known. */
  let trail: readonly Followed[] | undefined = from === undefined ? [] : undefined;

  function tell(before: Known | undefined, followed: readonly Followed[]): Grounds {
    let told: Told = before ?? { basedOn: [], decidedAt: null, content: undefined };
    for (const each of followed) told = each.told ??= tellStep(type, told, each.step);
    return { basedOn: told.basedOn, decidedAt: told.decidedAt };
  }

  function read(before: Known | undefined, passed: string | null, facts: readonly ActorEvent[]) {
    const followed: Followed[] = [];
    retell(actor, { base: before?.at, passed }, facts, (step) => followed.push({ step }));
    // Delays after the last fact may be undone by the next.
    const last = followed.findLastIndex(({ step }) => step.kind === "fact");
    return { grounds: tell(before, followed), followed: followed.slice(0, last + 1) };
  }

  /** Forgets what is not known any more. @param isLeft - whether what was told of a fact still holds. */
  function keep(isLeft: (place: Place) => boolean): void {
    const last = trail?.findLast(({ step, told }) => told !== undefined && step.kind === "fact" && isLeft(step.event));
    origin = knownAt(last) ?? (origin !== undefined && isLeft(origin.at.place) ? origin : floor);
    trail = undefined;
  }

  return {
    follow(place, acted) {
      const isWhole = acted !== undefined && acted.after === undefined;
      if (isWhole) origin = undefined;
      const kept = isWhole ? [] : acted && trail && acted.after && upTo(acted.after, origin, trail);
      if (kept === undefined || acted === undefined || kept.length + acted.steps.length > MAX_STEPS) {
        keep((known) => comparePlaces(known, place) < 0);
      } else trail = [...kept, ...acted.steps.map((step) => ({ step }))];
    },
    ground(timeline, past) {
      if (timeline === undefined) return { basedOn: [], decidedAt: null };
      const { end, fault, passed } = timeline;
      const reached = trail?.at(-1)?.step.moment ?? origin?.at.moment;
      const isFollowed = fault === undefined && end !== undefined && end.now.moment === reached;
      if (isFollowed && trail !== undefined) return tell(origin, trail);
      keep(() => true);
      const { grounds, followed } = read(origin, passed, past(origin?.at.place));
      const isLong = followed.length > MAX_STEPS;
      if (isLong) origin = knownAt(followed.at(-1));
      trail = isLong ? [] : followed;
      return grounds;
    },
    settle(base, past) {
      const isSettled = (fact: ActorEvent) => comparePlaces(fact, base.place) <= 0;
      const { grounds, followed } = read(floor, null, past(floor?.at.place).filter(isSettled));
      floor = knownAt(followed.at(-1)) ?? floor;
      if (origin === undefined || comparePlaces(origin.at.place, base.place) < 0) keep(() => false);
      return grounds;
    },
    forget: () => keep(() => false),
  };
}

function tellStep(type: ActorType, before: Told, { kind, event, at, isHandled, moment }: Step): Told {
  const { basedOn, decidedAt } = before;
  const content = contentAt(type, moment);
  return {
    basedOn: kind === "fact" && isHandled ? [...basedOn, event.eventId].slice(-MAX_FACTS) : basedOn,
    decidedAt: decidedAt === null || !isDeepStrictEqual(content, before.content) ? at : decidedAt,
    content,
  };
}

/** @returns undefined for what is no fact, or was not told. */
function knownAt(followed: Followed | undefined): Known | undefined {
  if (followed?.told === undefined || followed.step.kind !== "fact") return undefined;
  const { moment, event } = followed.step;
  return { ...followed.told, at: { place: placeOf(event), moment } };
}

/** @returns the steps up to a fact, none for where they begin; undefined when it is not among them. */
function upTo(place: Place, origin: Known | undefined, trail: readonly Followed[]): readonly Followed[] | undefined {
  if (origin !== undefined && comparePlaces(origin.at.place, place) === 0) return [];
  const index = trail.findLastIndex(({ step }) => step.kind === "fact" && comparePlaces(step.event, place) === 0);
  return index < 0 ? undefined : trail.slice(0, index + 1);
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
