import type { Lane } from "../wire/lanes.ts";
import type {
  DeadLetterRow,
  EventName,
  EventRow,
  HeardEvent,
  Hearer,
  IndexedColumns,
  LearntDecision,
  LedgerRow,
  ParkedRow,
  QuarantineRow,
  RetiredRow,
  StoredActor,
  StoredFact,
} from "./rows.ts";

/** The write side of the store, as one batch needs it. Everything inside `transaction` commits together or not at all. */
export interface Journal {
  transaction<Result>(work: () => Result): Result;
  /** The highest stream sequence whose effects are committed, 0 when none. */
  checkpoint(lane: Lane): number;
  /** @param heardAtMs - when the message of this sequence was stored; absent: what is known of that stays. */
  saveCheckpoint(lane: Lane, sequence: number, heardAtMs?: number): void;
  /** A key no other actor has; used up even when the transaction fails. */
  nextActorKey(): number;
  findActor(type: string, id: string): StoredActor | undefined;
  /** Moments of its past that it can go back to, as they were saved last, JSON; null when they never were. */
  anchorsOf(actorKey: number): string | null;
  saveAnchors(actorKey: number, anchors: string): void;
  /**
   * The actor's history in the order in which it was applied, to rebuild it from.
   */
  eventsOf(actor: Readonly<Hearer>): Iterable<EventRow>;
  /**
   * The same events, as far as a machine hears them: to read a thousand costs as much as to fold them.
   *
   * @param from - normalised event time: nothing is asked that happened before it.
   */
  factsOf(actor: Readonly<Hearer>, from?: string): Iterable<StoredFact>;
  /**
   * The same, each read when it is asked for: somebody else may have a turn between. Undefined for each that happened before
   * `from`, which are most of what an actor with a long past has heard.
   */
  factsInTurn(actor: Readonly<Hearer>, from?: string): Iterable<StoredFact | undefined>;
  /** @returns those of these event types of which it has heard an event. */
  heardTypes(actor: Readonly<Hearer>, eventTypes: readonly string[]): string[];
  /**
   * Of a new one the actor knows now; its row is to be saved in the same transaction.
   *
   * @param actor - with the row's key.
   * @returns what it is beside the event of this type and id that the actor has already, if any: that one stays as it
   *   was heard first, and only its count of duplicates (the same content) or of conflicts (another) rises. `again`: it
   *   is this very message, which was applied before; nothing is counted. `damaged`: the stored one cannot be read.
   */
  recordEvent(actor: Hearer, row: EventRow): "new" | "duplicate" | "conflict" | "again" | "damaged";
  /** Has it heard an event of this type and id? */
  hasHeard(actor: Readonly<Hearer>, event: EventName): boolean;
  /** What an event did, where that is not that it was applied. @param replayed - events folded again. */
  markOutcome(actor: Readonly<Hearer>, event: EventName, noted: Pick<HeardEvent, "outcome" | "replayed">): void;
  forgetEvent(actor: Hearer, event: EventName): void;
  /**
   * Writes the row; its version in the store becomes `rowVersion + 1`.
   *
   * @param before - what the row says now, null when there is none; an index is only touched when its column changed.
   * @returns `heard` as it is from now on: the earlier of many events are kept elsewhere.
   * @throws when the stored version is not `rowVersion`: another process writes this file.
   */
  saveActor(row: StoredActor, before: IndexedColumns | null): Uint8Array;
  recordDecision(row: LedgerRow): void;
  /** Decisions the stream holds for this actor that this store has not derived, by revision. */
  learntDecisions(type: string, actorId: string): LearntDecision[];
  /** Keeps a decision the stream holds already as one of ours. */
  adoptDecision(row: LedgerRow, publishedSequence: number): void;
  /** @returns false when the stream holds this very dead letter already. */
  recordDeadLetter(row: DeadLetterRow): boolean;
  isQuarantined(type: string, actorId: string): boolean;
  /** Of an actor that is quarantined already only the reason changes. */
  quarantine(row: QuarantineRow): void;
  /** Keeps an event of a quarantined or retired actor for later. */
  park(row: ParkedRow): void;
  hasParked(type: string, actorId: string): boolean;
  /** @returns the first of the actor's parked events. */
  nextParked(type: string, actorId: string): ParkedRow | undefined;
  forgetParked(row: ParkedRow): void;
  /** Ids of actors that have a row and parked events. */
  behind(lane: Lane): string[];
  /** @returns the actor's parked events in the order in which they were heard, which are forgotten. */
  takeParked(type: string, actorId: string): ParkedRow[];
  /** Ends an actor's quarantine; its parked events are to be taken next. */
  endQuarantine(type: string, actorId: string): void;
  /** What is left of a retired actor; an actor has either this or a row. */
  findRetired(type: string, actorId: string): RetiredRow | undefined;
  /** Late events of a retired actor are parked. */
  wantRetired(type: string, actorId: string): void;
  /** Takes note of a decision the stream holds and this store has not derived. */
  learnDecision(lane: Lane, actorId: string, found: LearntDecision): void;
  /** Adds to one of the lane's running counts, so that nobody has to count rows. */
  addTally(lane: Lane, name: string, delta: number): void;
}
