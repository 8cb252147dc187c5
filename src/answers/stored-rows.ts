import type { ActorType } from "../actor/actor-type.ts";
import type {
  DeadLetterRow,
  HeardEvent,
  LedgerRow,
  ParkedRow,
  QuarantineRow,
  RetiredRow,
  StoredActor,
} from "../flow/rows.ts";
import type { DeadLetterFilter, DeadLetterSummary } from "./dead-letters.ts";
import type { QuarantineFilter } from "./quarantine.ts";
import type { ListFilter, Queries } from "./queries.ts";

/** The rows that questions are answered from, each set as of one moment of the store. */
export interface StoredRows extends Pick<Queries, "undecidedSince"> {
  readonly history: HistoryRows;
  retired(type: ActorType, actorId: string): (RetiredRow & Pick<QuarantinedRow, "parked">) | undefined;
  /** @param blank - what an actor is of which nothing was ever applied. */
  list(type: ActorType, filter: ListFilter, blank: BlankActor, partitions?: readonly number[]): Listed;
  /** The running counts of `flow/tallies.ts`, added up. */
  tallies(type: ActorType, partitions?: readonly number[]): ReadonlyMap<string, number>;
  /** Of those that wait for a delay some that are due first, and when, normalised event time. */
  nextDue(type: ActorType, partitions?: readonly number[]): readonly Pick<StoredActor, "state" | "due">[];
  /** As {@link Queries.asOf}, in ms since the epoch. */
  asOfMs(type: ActorType, partitions: readonly number[]): number | null;
  deadLetters(type: ActorType, filter: DeadLetterFilter, partitions?: readonly number[]): ListedDeadLetters;
  deadLetter(type: ActorType, sequence: number, partitions?: readonly number[]): FullDeadLetter | undefined;
  /** By id; one more than asked for when there are more. */
  quarantined(type: ActorType, filter: QuarantineFilter): readonly QuarantinedRow[];
  quarantine(type: ActorType, actorId: string): QuarantinedActor | undefined;
  close(): void;
}

export interface Listed {
  readonly rows: readonly ListedActor[];
  /** The last one looked at; undefined when there is no more. */
  readonly end: Pick<ListedActor, "id" | "firstSeenAtMs" | "due"> | undefined;
}

export interface ListedDeadLetters {
  readonly rows: readonly DeadLetterHead[];
  /** Sequence of the last one looked at; undefined when there is no more. */
  readonly end: number | undefined;
}

/** An actor of a list; what is of its quarantine is null when it is in none. */
export type ListedActor = Omit<
  StoredActor,
  "type" | "partition" | "rowVersion" | "machineVersion" | "snapshot" | "checksum" | "standing" | "heard"
> & {
  readonly [Name in "eventType" | "error" | "sinceMs" | "parked"]: QuarantinedRow[Name] | null;
};

/** An actor in quarantine, and how many events are kept back. */
export interface QuarantinedRow extends Pick<QuarantineRow, "actorId" | "eventType" | "error" | "sinceMs"> {
  readonly parked: number;
}

/** Also its kept-back events, in stream order, the first `MAX_PARKED_SHOWN`. */
export interface QuarantinedActor extends QuarantinedRow {
  readonly events: ReadonlyArray<Pick<ParkedRow, "sequence" | "subject" | "storedAtMs"> & { readonly bytes: number }>;
  /** Of the first one. */
  readonly body: Uint8Array | undefined;
}

/** A dead letter, but for what is said of it in other words. */
export type DeadLetterHead = Omit<
  DeadLetterSummary,
  "receivedAt" | "published" | "streamSequence" | "deadLetterSequence"
> &
  Pick<DeadLetterRow, "storedAtMs">;

export type FullDeadLetter = DeadLetterHead & Pick<DeadLetterRow, "headers" | "body">;

/** An actor before its first event. */
export interface BlankActor {
  readonly state: string;
  /** 0 to 100. */
  readonly completeness: number;
}

/** What the store gives of one actor and its history, row by row: whoever answers with many of them does it in pieces. */
export interface HistoryRows {
  /**
   * The actor at this moment, and where its history is: that stays as it is while it is read.
   *
   * @returns undefined when it has no row and is not quarantined.
   */
  find(type: ActorType, actorId: string): FoundActor | undefined;
  /** Undefined of an actor that is retired meanwhile: its place may be another one's. */
  event(actorKey: number, place: number): HeardEvent | undefined;
  /** An event without its fields: costs less. */
  eventHead(actorKey: number, place: number): EventHead | undefined;
  decision(actorKey: number, revision: number): DecisionRow | undefined;
}

/** An actor as it was when it was asked about. */
export interface FoundActor {
  /** Null when its machine failed on the first event heard of it: nothing was ever applied. */
  readonly row: (StoredActor & { readonly decision: string | null }) | null;
  /** Of its events, in the order in which they were applied. */
  readonly places: readonly number[];
  /** Set while it is quarantined. */
  readonly held: Held | undefined;
}

/** An actor's quarantine, and which event types have arrived although they are not applied. */
export interface Held extends Omit<QuarantinedRow, "actorId"> {
  readonly arrived: ReadonlySet<string>;
}

/** One of its events, without its fields. */
export type EventHead = Omit<HeardEvent, "actorKey" | "body">;

export interface DecisionRow extends Pick<LedgerRow, "payload" | "causedAtMs"> {
  /** In DECISIONS, null until then. */
  readonly published: number | null;
}
