import type { ActorEvent } from "../../actor/actor-type.ts";
import { type Anchor, findStart, IN_MEMORY, type Start, thin, worthKeeping } from "./anchors.ts";
import { freezeFact, type Past } from "./fact.ts";
import { comparePlaces, countBefore, type Place, placeOf } from "./fact-order.ts";
import { type Actor, attempt, begin, FoldFault, foldFact, type Point, type Step } from "./fold.ts";
import { isSameMoment } from "./same-moment.ts";

/** What is kept of the fold before. */
interface Kept {
  /** Facts folded. */
  readonly count: number;
  readonly anchors: readonly Anchor[];
  /** Holds the facts that are not folded again; undefined when all are. */
  readonly base: Anchor | undefined;
  /** It reached its end: where nothing differs from it any more, the rest is as it was. */
  readonly isWhole: boolean;
}

/** What folding a fact that happened before others came to. */
export interface Refolded {
  /** How many facts are folded now, those of the base included. */
  readonly count: number;
  /** The one that happened last. */
  readonly latest: Place;
  readonly anchors: readonly Anchor[];
  /** Facts folded again that happened after the new one. */
  readonly replayed: number;
  /** Whether a transition was selected for the new one. */
  readonly isHandled: boolean;
  /** It stopped where nothing differed any more: the end is as it was. */
  readonly isSettled: boolean;
  /** After the last fact folded. */
  readonly result: Point | FoldFault;
  /** What was folded again, and the fact from which on. */
  readonly acted: { readonly after: Place | undefined; readonly steps: readonly Step[] };
}

/** A fold of facts again that is under way. */
interface Refolding {
  /** @param limit - facts that are folded at most. @returns false when there are more. */
  go(limit: number): boolean;
  /** Once there are no more. */
  end(): Refolded;
}

/**
 * Folds a fact that happened before others: from the anchor before it, until state, context and delays equal what they
 * were there.
 *
 * No generator: of those, V8 keeps so much alive between two collections that late facts of a thousand waited 20 ms for it.
 */
export function refold(actor: Actor, kept: Kept, past: Past, fact: ActorEvent): Refolding {
  const start = findStart(kept, past, (place) => comparePlaces(place, fact) < 0);
  const { from, facts: old, before } = start;
  const index = countBefore(old, fact);
  const facts = old.toSpliced(index, 0, fact);
  const held = from?.count ?? 0;
  const place = held + index + 1;
  // What comes after the new fact holds one fact more from now on.
  const after = kept.isWhole ? start.after.map((anchor) => ({ ...anchor, count: anchor.count + 1 })) : [];
  const { go, end } = replayFrom(actor, { facts, from, place, isWhole: kept.isWhole, after });
  return {
    go,
    end() {
      const replay = end();
      const { made, reached, isSettled } = replay;
      const beyond = isSettled ? after.filter(({ count }) => count >= reached) : [];
      return {
        ...replay,
        count: held + facts.length,
        latest: placeOf(facts.at(-1) ?? fact),
        anchors: thin([...before, ...made, ...beyond], IN_MEMORY),
        replayed: Math.max(0, reached - place),
      };
    },
  };
}

interface Stretch extends Pick<Kept, "isWhole">, Pick<Start, "from" | "facts"> {
  /** Of the new fact among all, from 1. */
  readonly place: number;
  /** Of the fold before, what it was after facts that happened after the new one. */
  readonly after: readonly Anchor[];
}

interface Replay extends Pick<Refolded, "isHandled" | "isSettled" | "result" | "acted"> {
  readonly made: readonly Anchor[];
  /** Facts held by the last moment that was reached. */
  readonly reached: number;
}

interface Replaying extends Pick<Refolding, "go"> {
  end(): Replay;
}

function replayFrom(actor: Actor, { facts, place, isWhole, from, after }: Stretch): Replaying {
  const held = from?.count ?? 0;
  const all = held + facts.length;
  const isWorth = worthKeeping(held + 1, all, IN_MEMORY);
  const earlier = new Map(after.map((anchor) => [anchor.count, anchor.moment]));
  const made: Anchor[] = [];
  const steps: Step[] = [];
  let point: Point | undefined = from && { moment: from.moment, delays: 0 };
  let fault: FoldFault | undefined;
  let reached = held;
  let isSelected = false;
  let isSettled = false;
  const hasMore = () => reached < all && !isSettled && fault === undefined;
  function foldNext(): void {
    const count = reached + 1;
    const fact = freezeFact(facts[count - held - 1] as ActorEvent);
    const before = point ?? begin(actor, facts[0] as ActorEvent);
    const folded = foldFact(actor, before, fact, (step) => steps.push(step));
    point = folded.after;
    reached = count;
    if (count === place) {
      isSelected = steps.at(-1)?.isHandled === true;
      // It changed nothing, and no delay begins with it: those between fire as they did.
      isSettled = isWhole && place > 1 && folded.before === point.moment;
    }
    const known = earlier.get(count);
    isSettled ||= known !== undefined && isSameMoment(known, point.moment);
    if (isWorth.has(count) && !(isSettled && known !== undefined)) {
      made.push({ count, place: placeOf(fact), moment: point.moment });
    }
  }
  return {
    go(limit) {
      const stopped = attempt(() => {
        for (let folded = 0; folded < limit && hasMore(); folded++) foldNext();
      });
      if (stopped instanceof FoldFault) fault = stopped;
      return !hasMore();
    },
    end() {
      const result = fault ?? (point as Point);
      return { made, reached, isHandled: isSelected, isSettled, result, acted: { after: from?.place, steps } };
    },
  };
}
