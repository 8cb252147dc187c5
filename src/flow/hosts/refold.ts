import type { ActorEvent } from "../../actor/actor-type.ts";
import { type Anchor, stillTrue } from "./anchors.ts";
import { freezeFact } from "./fact.ts";
import { comparePlaces, countBefore, placeOf, sortFacts } from "./fact-order.ts";
import { type Actor, attempt, begin, type FoldFault, foldFact, type Point } from "./fold.ts";
import { isSameMoment } from "./same-moment.ts";
import { isHandled } from "./statechart.ts";

/** What is kept of the fold before. */
interface Kept {
  readonly anchors: readonly Anchor[];
  /** Holds the facts that are not folded again; undefined when all are. */
  readonly base: Anchor | undefined;
  /** It reached its end: where nothing differs from it any more, the rest is as it was. */
  readonly isWhole: boolean;
}

interface Refolded {
  /** How many facts are folded now, those of the base included. */
  readonly count: number;
  /** The one that happened last. */
  readonly latest: ActorEvent;
  readonly anchors: readonly Anchor[];
  /** Facts folded again that happened after the new one. */
  readonly replayed: number;
  /** Whether a transition was selected for the new one. */
  readonly isHandled: boolean;
  /** It stopped where nothing differed any more: the end is as it was. */
  readonly isSettled: boolean;
  /** After the last fact folded. */
  readonly result: Point | FoldFault;
}

/**
 * Folds a fact that happened before others: from the anchor before it, until state, context and delays equal what they
 * were there.
 */
export function refold(actor: Actor, kept: Kept, past: readonly ActorEvent[], fact: ActorEvent): Refolded {
  const { base, isWhole } = kept;
  const held = base?.count ?? 0;
  const old = factsAfter(base, past);
  const index = countBefore(old, fact);
  const facts = [...old.slice(0, index), fact, ...old.slice(index)];
  const count = held + facts.length;
  const place = held + index + 1;
  const anchors = stillTrue(kept.anchors, old, held);
  const before = anchors.filter((anchor) => anchor.count < place);
  // What comes after the new fact holds one fact more from now on.
  const after = isWhole
    ? anchors.filter((anchor) => anchor.count >= place).map((anchor) => ({ ...anchor, count: anchor.count + 1 }))
    : [];
  const { made, ...replay } = replayFrom(actor, { facts, held, place, isWhole, from: before.at(-1) ?? base, after });
  const all = [...before, ...made];
  const reached = all.at(-1)?.count ?? held;
  return {
    ...replay,
    count,
    latest: facts.at(-1) ?? fact,
    anchors: replay.isSettled ? [...all, ...after.filter((anchor) => anchor.count > reached)] : all,
    replayed: Math.max(0, reached - place),
  };
}

/** @returns the facts that the base does not hold, sorted. */
export function factsAfter(base: Anchor | undefined, past: readonly ActorEvent[]): readonly ActorEvent[] {
  return sortFacts(base === undefined ? past : past.filter((fact) => comparePlaces(fact, base.place) > 0));
}

interface Stretch extends Pick<Kept, "isWhole"> {
  /** Without the first `held`, which the base holds. */
  readonly facts: readonly ActorEvent[];
  readonly held: number;
  /** Of the new fact among all, from 1. */
  readonly place: number;
  /** Undefined: from the initial state. */
  readonly from: Anchor | undefined;
  /** Of the fold before, what it was after facts that happened after the new one. */
  readonly after: readonly Anchor[];
}

type Replay = Pick<Refolded, "isHandled" | "isSettled" | "result"> & { readonly made: readonly Anchor[] };

function replayFrom(actor: Actor, { facts, held, place, isWhole, from, after }: Stretch): Replay {
  const made: Anchor[] = [];
  const earlier = new Map(after.map((anchor) => [anchor.count, anchor.moment]));
  let isSelected = false;
  let isSettled = false;
  const result = attempt(() => {
    let point = from === undefined ? begin(actor, facts[0] as ActorEvent) : { moment: from.moment, delays: 0 };
    for (let count = (from?.count ?? 0) + 1; count <= held + facts.length && !isSettled; count++) {
      const fact = freezeFact(facts[count - held - 1] as ActorEvent);
      const folded = foldFact(actor, point, fact);
      point = folded.after;
      if (count === place) {
        isSelected = isHandled(folded.before, point.moment, fact);
        // It changed nothing, and no delay begins with it: those between fire as they did.
        isSettled = isWhole && place > 1 && folded.before === point.moment;
      }
      made.push({ count, place: placeOf(fact), moment: point.moment });
      const known = earlier.get(count);
      isSettled ||= known !== undefined && isSameMoment(known, point.moment);
    }
    return point;
  });
  return { made, isHandled: isSelected, isSettled, result };
}
