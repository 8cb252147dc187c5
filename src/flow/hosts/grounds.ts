import { isDeepStrictEqual } from "node:util";
import type { ActorEvent } from "../../actor/actor-type.ts";
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
/** Ids that are kept in a row. */
const MAX_IN_A_ROW = 16;

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
  /**
   * What is worth a row beside the timeline's end, so that who comes back from it reads no facts; undefined when it is not
   * known, or long. What was followed only to be asked for now is forgotten.
   */
  rest(end: Moment): Grounds | undefined;
  /** Undoes the last {@link Grounding.follow}. */
  rewind(): void;
}

/** A moment after a fact, and what was known of it: the base, or the last. */
export interface Settled {
  readonly base: Pick<Anchor, "place" | "moment">;
  readonly grounds: Grounds;
}

/** As it is after a fact. */
interface Known extends Grounds, Told {
  readonly at: Pick<Anchor, "place" | "moment">;
}

/** What follows after a step, and since when. */
interface Told extends Pick<Grounds, "decidedAt"> {
  readonly content: unknown;
}

/** A step, without what was heard in it: an actor in memory keeps that as far as its context does. */
interface Followed {
  /** Of a fact; undefined: a delay. */
  readonly place: Place | undefined;
  readonly at: string;
  readonly isHandled: boolean;
  readonly moment: Moment;
  /** Undefined until it is asked for. */
  told: Told | undefined;
}

function follow({ kind, event, at, isHandled, moment }: Step): Followed {
  return { place: kind === "fact" ? placeOf(event) : undefined, at, isHandled, moment, told: undefined };
}

/** Of an actor that has heard something before. */
export interface Remembered {
  /** What {@link Grounding.settle} gave of its timeline's base; undefined when it has none. */
  readonly settled: Settled | undefined;
  /** What {@link Grounding.rest} gave of its last fact. */
  readonly last?: Settled | undefined;
}

/** What the rule says of a moment. @throws what the rule throws. */
type Ask = (moment: Moment) => unknown;

/** @param from - absent: it has heard nothing. */
export function createGrounding(ask: Ask, actor: Actor, from?: Remembered): Grounding {
  /** Of what is folded once and for all. */
  let floor = knownOf(ask, from?.settled);
  /** Before the steps followed; undefined: they begin with the first fact, or nothing is known but the floor. */
  let origin = knownOf(ask, from?.last) ?? floor;
  /** All that has acted since, up to the last fact; undefined when that is not known. */
  let trail: readonly Followed[] | undefined = from === undefined || from.last !== undefined ? [] : undefined;
  let before = { origin, trail };

  function read(start: Known | undefined, passed: string | null, facts: readonly ActorEvent[]) {
    const followed: Followed[] = [];
    retell(actor, { base: start?.at, passed }, facts, (step) => followed.push(follow(step)));
    // Delays after the last fact may be undone by the next.
    const upToLast = followed.slice(0, followed.findLastIndex(isFact) + 1);
    tell(ask, start, upToLast);
    return { grounds: groundsOf(ask, start, followed), upToLast };
  }

  /** Forgets what is not known any more. @param isLeft - whether what was told of a fact still holds. */
  function keep(isLeft: (place: Place) => boolean): void {
    const index =
      trail?.findLastIndex(({ place, told }) => told !== undefined && place !== undefined && isLeft(place)) ?? -1;
    origin =
      knownAt(ask, origin, trail?.slice(0, index + 1)) ??
      (origin !== undefined && isLeft(origin.at.place) ? origin : floor);
    trail = undefined;
  }

  /** Is what was followed the way to that moment? */
  const leadsTo = (end: Moment) => trail !== undefined && end === (trail.at(-1)?.moment ?? origin?.at.moment);

  /** Few steps are kept, and those of a long replay only until it is over who asks for them. */
  function trim(): void {
    if (trail === undefined || trail.length <= MAX_STEPS) return;
    const isTold = trail.at(-1)?.told !== undefined && trail.at(-1)?.place !== undefined;
    keep(() => true);
    if (isTold) trail = [];
  }

  return {
    follow(place, acted) {
      trim();
      before = { origin, trail };
      const isWhole = acted !== undefined && acted.after === undefined;
      if (isWhole) origin = undefined;
      const kept = isWhole ? [] : acted && trail && acted.after && upTo(acted.after, origin, trail);
      if (kept === undefined || acted === undefined) keep((known) => comparePlaces(known, place) < 0);
      else trail = kept.concat(acted.steps.map(follow));
    },
    ground(timeline, past) {
      if (timeline === undefined) return NOTHING;
      const { end, fault, passed } = timeline;
      if (trail !== undefined && fault === undefined && end !== undefined && leadsTo(end.now.moment)) {
        return groundsOf(ask, origin, trail);
      }
      keep(() => true);
      const { grounds, upToLast } = read(origin, passed, past(origin?.at.place));
      trail = upToLast;
      return grounds;
    },
    settle(base, past) {
      const isSettled = (fact: ActorEvent) => comparePlaces(fact, base.place) <= 0;
      const { grounds, upToLast } = read(floor, null, past(floor?.at.place).filter(isSettled));
      floor = knownAt(ask, floor, upToLast) ?? floor;
      if (origin === undefined || comparePlaces(origin.at.place, base.place) < 0) keep(() => false);
      return grounds;
    },
    rest(end) {
      trim();
      const grounds = trail !== undefined && leadsTo(end) ? groundsOf(ask, origin, trail) : undefined;
      return grounds !== undefined && grounds.basedOn.length <= MAX_IN_A_ROW ? grounds : undefined;
    },
    rewind() {
      ({ origin, trail } = before);
    },
  };
}

const NOTHING: Grounds = { basedOn: [], decidedAt: null };

function isFact({ place }: Followed): boolean {
  return place !== undefined;
}

/** @param before - where the steps begin; undefined: nothing had followed. */
function groundsOf(ask: Ask, before: Known | undefined, followed: readonly Followed[]): Grounds {
  const { decidedAt } = tell(ask, before, followed);
  return { basedOn: factsOf(before, followed), decidedAt };
}

/** The rule is asked when that is: most actors that come back from a row take no decision. */
function knownOf(ask: Ask, settled: Settled | undefined): Known | undefined {
  if (settled === undefined) return undefined;
  const { base, grounds } = settled;
  let content: { readonly is: unknown } | undefined;
  return {
    ...grounds,
    at: base,
    get content() {
      content ??= { is: contentAt(ask, base.moment) };
      return content.is;
    },
  };
}

/**
 * Tells the last of the steps. The rules are asked from there back, and no further than to where they said something else.
 *
 * @param before - where the steps begin; undefined: nothing had followed.
 */
function tell(ask: Ask, before: Known | undefined, followed: readonly Followed[]): Told {
  const last = followed.at(-1);
  if (last === undefined) return before ?? { decidedAt: null, content: undefined };
  if (last.told !== undefined) return last.told;
  const content = contentAt(ask, last.moment);
  let index = followed.length - 1;
  let since: string | null = null;
  for (; index >= 0 && since === null; index--) {
    const { at } = followed[index] as Followed;
    const earlier = followed[index - 1];
    const told = earlier === undefined ? before : earlier.told;
    if (told !== undefined) since = (isDeepStrictEqual(told.content, content) ? told.decidedAt : null) ?? at;
    else if (earlier === undefined || !isDeepStrictEqual(contentAt(ask, earlier.moment), content)) since = at;
  }
  last.told = { decidedAt: since, content };
  return last.told;
}

/** The facts that were applied, the latest {@link MAX_FACTS}. */
function factsOf(before: Known | undefined, followed: readonly Followed[]): readonly string[] {
  const ids = before === undefined ? [] : [...before.basedOn];
  for (const { place, isHandled } of followed) if (place !== undefined && isHandled) ids.push(place.eventId);
  return ids.length > MAX_FACTS ? ids.slice(-MAX_FACTS) : ids;
}

/** @returns what is known of the last of the steps; undefined for none, for what is no fact, or was not told. */
function knownAt(ask: Ask, before: Known | undefined, followed: readonly Followed[] = []): Known | undefined {
  const last = followed.at(-1);
  if (last?.told === undefined || last.place === undefined) return undefined;
  const { place, moment, told } = last;
  return { ...groundsOf(ask, before, followed), content: told.content, at: { place, moment } };
}

/** @returns the steps up to a fact, none for where they begin; undefined when it is not among them. */
function upTo(place: Place, origin: Known | undefined, trail: readonly Followed[]): readonly Followed[] | undefined {
  if (origin !== undefined && comparePlaces(origin.at.place, place) === 0) return [];
  const index = trail.findLastIndex((step) => step.place !== undefined && comparePlaces(step.place, place) === 0);
  if (index === trail.length - 1) return index < 0 ? undefined : trail;
  return index < 0 ? undefined : trail.slice(0, index + 1);
}

/** A moment that is over may be one the rule fails on: what is not known is another content each time. */
function contentAt(ask: Ask, moment: Moment): unknown {
  try {
    return ask(moment);
  } catch {
    return Symbol("failed");
  }
}
