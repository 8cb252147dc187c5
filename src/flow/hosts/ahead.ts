import { isDeepStrictEqual } from "node:util";
import type { ActorEvent } from "../../actor/actor-type.ts";
import type { Pieces } from "../pieces.ts";
import type { Past } from "./fact.ts";
import type { Actor } from "./fold.ts";
import { hear, hearInPieces, type Outcome, type Timeline } from "./timeline.ts";

/** Folds a fact bit by bit before it is heard, and knows then what it comes to. */
export interface Ahead {
  /** @param at - what is known of the actor now. */
  prepare(at: Timeline | undefined, event: ActorEvent, past: Past): Pieces<void>;
  /** As `hear`; found at once where this very fact was prepared, and nothing was heard since. */
  hear(at: Timeline | undefined, event: ActorEvent, past: Past): Outcome;
  forget(): void;
}

export function createAhead(actor: Actor): Ahead {
  let prepared:
    | { readonly at: Timeline | undefined; readonly event: ActorEvent; readonly outcome: Outcome }
    | undefined;
  return {
    *prepare(at, event, past) {
      prepared = { at, event, outcome: yield* hearInPieces(actor, at, event, past) };
    },
    hear(at, event, past) {
      // Timelines are immutable: the same one says that nothing was heard, nor time passed.
      const known = prepared;
      const isIt = known !== undefined && known.at === at && isDeepStrictEqual(known.event, event);
      return isIt ? known.outcome : hear(actor, at, event, past);
    },
    forget() {
      prepared = undefined;
    },
  };
}
