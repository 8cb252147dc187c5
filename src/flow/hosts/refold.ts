import type { ActorEvent } from "../../actor/actor-type.ts";
import { type Anchor, stillTrue } from "./anchors.ts";
import { freezeFact } from "./fact.ts";
import { countBefore, placeOf, sortFacts } from "./fact-order.ts";
import { type Actor, attempt, begin, type FoldFault, foldFact, type Point } from "./fold.ts";
import { isSameMoment } from "./same-moment.ts";
import { isHandled } from "./statechart.ts";

/** What is kept of the fold before. */
interface Kept {
  readonly anchors: readonly Anchor[];
  /** It reached its end: where nothing differs from it any more, the rest is as it was. */
  readonly isWhole: boolean;
}

interface Refolded {
  /** All, sorted. */
  readonly facts: readonly ActorEvent[];
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
  const old = sortFacts(past);
  const index = countBefore(old, fact);
  const facts = [...old.slice(0, index), fact, ...old.slice(index)];
  const anchors = stillTrue(kept.anchors, old);
  const before = anchors.filter(({ count }) => count <= index);
  // What comes after the new fact holds one fact more from now on.
  const after = kept.isWhole
    ? anchors.filter(({ count }) => count > index).map((anchor) => ({ ...anchor, count: anchor.count + 1 }))
    : [];
  const { made, ...replay } = replayFrom(actor, { facts, index, isWhole: kept.isWhole, from: before.at(-1), after });
  const all = [...before, ...made];
  const reached = all.at(-1)?.count ?? 0;
  return {
    ...replay,
    facts,
    anchors: replay.isSettled ? [...all, ...after.filter(({ count }) => count > reached)] : all,
    replayed: Math.max(0, reached - index - 1),
  };
}

interface Stretch extends Pick<Kept, "isWhole"> {
  readonly facts: readonly ActorEvent[];
  /** Of the new fact. */
  readonly index: number;
  /** Undefined: from the initial state. */
  readonly from: Anchor | undefined;
  /** Of the fold before, what it was after facts that happened after the new one. */
  readonly after: readonly Anchor[];
}

type Replay = Pick<Refolded, "isHandled" | "isSettled" | "result"> & { readonly made: readonly Anchor[] };

function replayFrom(actor: Actor, { facts, index, isWhole, from, after }: Stretch): Replay {
  const made: Anchor[] = [];
  const earlier = new Map(after.map((anchor) => [anchor.count, anchor.moment]));
  let isSelected = false;
  let isSettled = false;
  const result = attempt(() => {
    let point = from === undefined ? begin(actor, facts[0] as ActorEvent) : { moment: from.moment, delays: 0 };
    for (let count = (from?.count ?? 0) + 1; count <= facts.length && !isSettled; count++) {
      const fact = freezeFact(facts[count - 1] as ActorEvent);
      const folded = foldFact(actor, point, fact);
      point = folded.after;
      if (count === index + 1) {
        isSelected = isHandled(folded.before, point.moment, fact);
        // It changed nothing, and no delay begins with it: those between fire as they did.
        isSettled = isWhole && index > 0 && folded.before === point.moment;
      }
      made.push({ count, place: placeOf(fact), moment: point.moment });
      const known = earlier.get(count);
      isSettled ||= known !== undefined && isSameMoment(known, point.moment);
    }
    return point;
  });
  return { made, isHandled: isSelected, isSettled, result };
}
