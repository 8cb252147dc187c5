import type { ActorEvent, ActorSnapshot } from "../../actor/actor-type.ts";
import type { Grounds } from "../../actor/conclude.ts";
import type { Pieces } from "../pieces.ts";
import type { Past } from "./fact.ts";
import type { Place } from "./fact-order.ts";
import type { Heard } from "./timeline.ts";
import type { Wait } from "./waits.ts";

/**
 * What an event did to an actor: by event time see `Heard`; of a merge type it was `applied`, or `superseded`, which changed
 * nothing. `error`: it did nothing, the actor is as it was before.
 */
export type Effect =
  | Heard
  | { readonly kind: "superseded"; readonly replayed: 0 }
  | { readonly kind: "error"; readonly error: Error };

/** A snapshot as it is stored. */
export interface Envelope {
  /** Of a merge type XState's persisted snapshot, by event time a `StoredTimeline`; JSON. */
  readonly snapshot: string;
  /** CRC-32 of `snapshot`: SQLite's own checks miss most flipped bits in a row. */
  readonly checksum: number;
  readonly machineVersion: number;
}

/** One step of a fold: an event, or a delay that acts. */
export interface FoldStep {
  /** The event's type; of a delay how long and where, for example `after 30 min at awaitingPayment`. */
  readonly what: string;
  /** Null for a delay. */
  readonly eventId: string | null;
  /** Event time. */
  readonly at: string;
  /** Whether anything in the machine took it. */
  readonly isHandled: boolean;
  /** What the actor was after it. */
  readonly state: string;
}

/** One actor in memory, whatever the ordering of its type. Everything is synchronous and without side effects. */
export interface LiveActor {
  /** @param past - all that it has heard before; not asked for in order. */
  send(event: ActorEvent, past: Past): Effect;
  /** How many facts `send` folds again of one that happened then, at most, as far as is known. */
  weigh(event: Place): number;
  /** Folds, bit by bit, what `send` folds again of this event if it is the next: that one then finds it done. */
  prepare(event: ActorEvent, past: Past): Pieces<void>;
  /** Happened it longer ago than its type allows? */
  isTooLate(event: ActorEvent): boolean;
  /**
   * Takes note of how new a fact is that was heard, and folds once and for all what nothing can come before any more.
   *
   * @param past - all it has heard, this fact too.
   */
  settle(event: ActorEvent, storedAtMs: number, past: Past): void;
  /** The last of the facts that are folded once and for all: of those before it nobody asks. Undefined: there is none. */
  base(): Place | undefined;
  /** Lets delays act. @param time - event time known to have passed. */
  pass(time: string): void;
  /** Why its facts cannot be folded, undefined when they can. */
  fault(): Error | undefined;
  /** Undoes the last `send`. */
  rewind(): void;
  /** What it is now, as its rules see it; while it is held, what it was before. */
  snapshot(): ActorSnapshot;
  /** What its rule says of that, asked once for as long as it is the same. @throws what the rule throws. */
  conclude(): unknown;
  /** As `stateText` writes it. */
  state(): string;
  /** When its next delay ends, normalised event time; null when it waits for nothing. */
  due(): string | null;
  /** All delays it waits for, the earliest first. */
  waits(): readonly Wait[];
  /** Absent of a merge type, whose rule says it. */
  grounds?(past: Past): Grounds;
  /**
   * Today's fold, step by step: in event-time order, whatever the order in which it was heard. Absent of a merge type.
   *
   * @param past - all it has heard.
   */
  fold?(past: Past): FoldStep[];
  persist(): Envelope;
  /**
   * What is worth keeping beside the snapshot since it was last asked for, JSON; null: nothing. Asked for before
   * {@link LiveActor.persist}, whose snapshot knows it again by a checksum.
   */
  anchors(): string | null;
}
