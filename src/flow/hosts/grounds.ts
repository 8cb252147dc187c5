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
interface Known extends Told {
  readonly at: Pick<Anchor, "place" | "moment">;
}

/** As it is after a step. */
interface Told extends Grounds {
  readonly content: unknown;
}

interface Followed {
  readonly step: Step;
  /** Undefined until it is asked for. */
  told: Told | undefined;
}

function follow(step: Step): Followed {
  return { step, told: undefined };
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
    const upToLast = followed.slice(0, followed.findLastIndex(({ step }) => step.kind === "fact") + 1);
    tell(ask, start, upToLast);
    return { told: tell(ask, start, followed), upToLast };
  }

  /** Forgets what is not known any more. @param isLeft - whether what was told of a fact still holds. */
  function keep(isLeft: (place: Place) => boolean): void {
    const last = trail?.findLast(({ step, told }) => told !== undefined && step.kind === "fact" && isLeft(step.event));
    origin = knownAt(last) ?? (origin !== undefined && isLeft(origin.at.place) ? origin : floor);
    trail = undefined;
  }

  /** Is what was followed the way to that moment? */
  const leadsTo = (end: Moment) => trail !== undefined && end === (trail.at(-1)?.step.moment ?? origin?.at.moment);

  /** Few steps are kept, and those of a long replay only until it is over who asks for them. */
  function trim(): void {
    if (trail === undefined || trail.length <= MAX_STEPS) return;
    const last = knownAt(trail.at(-1));
    keep(() => true);
    if (last !== undefined) trail = [];
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
        return groundsOf(tell(ask, origin, trail));
      }
      keep(() => true);
      const { told, upToLast } = read(origin, passed, past(origin?.at.place));
      trail = upToLast;
      return groundsOf(told);
    },
    settle(base, past) {
      const isSettled = (fact: ActorEvent) => comparePlaces(fact, base.place) <= 0;
      const { told, upToLast } = read(floor, null, past(floor?.at.place).filter(isSettled));
      floor = knownAt(upToLast.at(-1)) ?? floor;
      if (origin === undefined || comparePlaces(origin.at.place, base.place) < 0) keep(() => false);
      return groundsOf(told);
    },
    rest(end) {
      trim();
      const told = trail !== undefined && leadsTo(end) ? tell(ask, origin, trail) : undefined;
      return told !== undefined && told.basedOn.length <= MAX_IN_A_ROW ? groundsOf(told) : undefined;
    },
    rewind() {
      ({ origin, trail } = before);
    },
  };
}

const NOTHING: Grounds = { basedOn: [], decidedAt: null };

function groundsOf({ basedOn, decidedAt }: Grounds): Grounds {
  return { basedOn, decidedAt };
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
  if (last === undefined) return before ?? { ...NOTHING, content: undefined };
  if (last.told !== undefined) return last.told;
  const content = contentAt(ask, last.step.moment);
  let index = followed.length - 1;
  let since: string | null = null;
  for (; index >= 0 && since === null; index--) {
    const { step } = followed[index] as Followed;
    const earlier = followed[index - 1];
    const told = earlier === undefined ? before : earlier.told;
    if (told !== undefined) since = (isDeepStrictEqual(told.content, content) ? told.decidedAt : null) ?? step.at;
    else if (earlier === undefined || !isDeepStrictEqual(contentAt(ask, earlier.step.moment), content)) since = step.at;
  }
  last.told = { basedOn: factsOf(before, followed), decidedAt: since, content };
  return last.told;
}

/** The facts that were applied, the latest {@link MAX_FACTS}. */
function factsOf(before: Known | undefined, followed: readonly Followed[]): readonly string[] {
  const ids: string[] = [];
  let earlier: readonly string[] = before?.basedOn ?? [];
  for (let index = followed.length - 1; index >= 0 && ids.length < MAX_FACTS; index--) {
    const { step, told } = followed[index] as Followed;
    if (told !== undefined) {
      earlier = told.basedOn;
      break;
    }
    if (step.kind === "fact" && step.isHandled) ids.push(step.event.eventId);
  }
  const all = ids.length === 0 ? earlier : [...earlier, ...ids.reverse()];
  return all.length > MAX_FACTS ? all.slice(-MAX_FACTS) : all;
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
