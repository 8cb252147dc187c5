import type { ActorType } from "../../machines/actor-type.ts";

/*
 * The types at which the rooms meet. `flow/` names what it needs; `jetstream/`, `store/`, `console/` and `ops/` provide
 * it, and `daemon.ts` joins them. Nothing here does anything.
 */

/** One partition of one actor type: the unit of order, of ownership and of checkpoints. */
export interface Lane {
  readonly type: ActorType;
  /** The type's stream, for example `ORDERS`. */
  readonly stream: string;
  /** 0-based. */
  readonly partition: number;
  /** Are the actor's events stored in this one? Absent: nobody asks. */
  readonly holds?: (actorId: string) => boolean;
}

/** One JetStream message handed to us. */
export interface Delivery {
  readonly lane: Lane;
  /** Stream sequence, from 1. */
  readonly sequence: number;
  /** As stored, with the partition token. */
  readonly subject: string;
  readonly body: Uint8Array;
  /** First value of a header, its name in any case; or undefined. */
  header(name: string): string | undefined;
  /** All headers, name and value; asked for only when a message is dead-lettered. */
  headers(): ReadonlyArray<readonly [string, string]>;
  /** More than `MAX_HEADERS`: the two above know some of them only. Absent: they know all. */
  readonly headerCount?: number;
  /** Bytes of its headers. Absent: few. */
  readonly headerBytes?: number;
  /** When the stream stored it, ms since the epoch. The only clock the path of an event knows. */
  readonly storedAtMs: number;
  /** What it was read as when it was heard; set for an event that only the store has any more. */
  readonly stored?: Observation;
  /** Tells the server it may forget the delivery; flow control, not durability. */
  ack(): void;
}

/** A decoded, validated observation about one actor. */
export interface Observation {
  readonly actorId: string;
  readonly type: string;
  readonly eventId: string;
  /** RFC 3339 in UTC. */
  readonly timestamp: string;
  readonly correlationId: string | null;
  readonly traceparent: string | null;
  readonly data: Readonly<Record<string, unknown>>;
}

/** Why a delivery can never succeed. Stable names: they are subjects, headers and metric labels. */
export const REJECTION_REASONS = [
  "malformed_json",
  "invalid_event",
  "unknown_event_type",
  "subject_mismatch",
  "too_large",
  "reserved_type",
  "timestamp_out_of_range",
  "machine_error",
  "order_retired",
] as const;
export type RejectionReason = (typeof REJECTION_REASONS)[number];

/** A delivery that can never succeed. A value, not an exception. */
export interface Rejected {
  readonly reason: RejectionReason;
  /** One line a person can act on. */
  readonly error: string;
}

/** An actor as its row keeps it. */
export interface StoredActor {
  /** The store's own key, unique over all types. */
  readonly key: number;
  readonly type: string;
  readonly id: string;
  readonly partition: number;
  /** Rises by one with every save; two writers on one row are noticed by it. */
  readonly rowVersion: number;
  readonly machineVersion: number;
  /** The XState persisted snapshot as JSON. */
  readonly snapshot: string;
  /** CRC-32 of `snapshot`. */
  readonly checksum: number;
  readonly state: string;
  /** 0 to 100. */
  readonly completeness: number;
  /** Number of distinct events. */
  readonly events: number;
  /** The latest revision taken, 0 when none. */
  readonly revision: number;
  /** The standing decision's content as JSON, or null. */
  readonly standing: string | null;
  /** The standing decision's type, or null. */
  readonly decisionType: string | null;
  /** Stream time of the first event heard, ms since the epoch. */
  readonly firstSeenAtMs: number;
  /** Stream time of the latest event heard, ms since the epoch. */
  readonly updatedAtMs: number;
}

/** The columns lists are made by. */
export type IndexedColumns = Pick<StoredActor, "state" | "decisionType" | "completeness">;

/** By what an event is known within its actor: the ids of different event types do not meet. */
export type EventName = Pick<EventRow, "type" | "eventId">;

/** One row of an actor's history. */
export interface EventRow {
  readonly actorKey: number;
  readonly eventId: string;
  readonly type: string;
  readonly timestamp: string;
  readonly storedAtMs: number;
  readonly sequence: number;
  readonly correlationId: string | null;
  /** The event's own fields as JSON. */
  readonly body: string;
}

/** One decision an actor has taken: outbox and history in one row. */
export interface LedgerRow {
  readonly actorKey: number;
  readonly type: string;
  readonly actorId: string;
  readonly partition: number;
  /** From 1. */
  readonly revision: number;
  readonly decisionType: string;
  /** The decision as published, JSON. */
  readonly payload: string;
  readonly traceparent: string | null;
  /** Stream time of the event that caused it, ms since the epoch. */
  readonly causedAtMs: number;
}

/** One rejected delivery, kept until and after it is published. */
export interface DeadLetterRow {
  readonly type: string;
  readonly stream: string;
  readonly partition: number;
  readonly sequence: number;
  /** 0; of a stream that was replaced since: when it stored the event, as the new one counts from 1 again. */
  readonly former: number;
  readonly subject: string;
  readonly reason: RejectionReason;
  readonly error: string;
  readonly storedAtMs: number;
  readonly body: Uint8Array;
  /** JSON array of [name, value]. */
  readonly headers: string;
}

/** An actor whose machine failed on an event; nothing more is applied to it until it is released. */
export interface QuarantineRow {
  readonly type: string;
  readonly actorId: string;
  readonly partition: number;
  /** The event type its machine failed on. */
  readonly eventType: string;
  readonly error: string;
  /** Stream time of that event, ms since the epoch. */
  readonly sinceMs: number;
}

/** What is left of an actor that was settled for longer than `NATSTATE_RETAIN`. */
export interface RetiredRow {
  readonly type: string;
  readonly actorId: string;
  readonly partition: number;
  /** Every message about it up to this stream sequence had been applied; 0: the stream is read again from its first. */
  readonly sequence: number;
  /** Number of distinct events. */
  readonly events: number;
  /** By which they are known again, see `digestOf`. */
  readonly digest: string;
  /** The latest revision taken; every one of them is published. */
  readonly revision: number;
  /** Stream time of its latest event, ms since the epoch. */
  readonly updatedAtMs: number;
  /** Stream time at which it was retired, ms since the epoch. */
  readonly retiredAtMs: number;
  /**
   * `wanted`: late events about it are parked, it is to be brought back. `lost`: the streams no longer hold what would
   * bring it back; further events are dead-lettered.
   */
  readonly status: "kept" | "wanted" | "lost";
}

/** An event of a quarantined or retired actor, kept until it is released or brought back. */
export interface ParkedRow {
  readonly type: string;
  readonly actorId: string;
  readonly sequence: number;
  readonly subject: string;
  readonly storedAtMs: number;
  readonly body: Uint8Array;
  /** JSON array of [name, value]. */
  readonly headers: string;
}

/** A decision the stream already holds for a revision. */
export interface PublishedDecision {
  readonly revision: number;
  readonly payload: string;
  /** Sequence in DECISIONS. */
  readonly sequence: number;
}

/** A decision the stream holds, that its actor has not come to yet. */
export interface LearntDecision extends PublishedDecision {
  /** Its event stream's last sequence when this was learnt: events up to here are no news to whoever decided it. */
  readonly pastTo: number;
}

/** The write side of the store, as one batch needs it. Everything inside `transaction` commits together or not at all. */
export interface Journal {
  transaction<Result>(work: () => Result): Result;
  /** The highest stream sequence whose effects are committed, 0 when none. */
  checkpoint(lane: Lane): number;
  saveCheckpoint(lane: Lane, sequence: number): void;
  /** A key no other actor has; used up even when the transaction fails. */
  nextActorKey(): number;
  findActor(type: string, id: string): StoredActor | undefined;
  /** The actor's history in the order in which it was applied, to rebuild it from. */
  eventsOf(actorKey: number): Iterable<EventRow>;
  /**
   * @returns what it is beside the event of this type and id that the actor has already, if any: that one stays as it
   *   was heard first, and only its count of duplicates (the same content) or of conflicts (another) rises. `again`: it
   *   is this very message, which was applied before; nothing is counted.
   */
  recordEvent(row: EventRow): "new" | "duplicate" | "conflict" | "again";
  markSuperseded(actorKey: number, event: EventName): void;
  forgetEvent(actorKey: number, event: EventName): void;
  /**
   * Writes the row; its version in the store becomes `rowVersion + 1`.
   *
   * @param before - what the row says now, null when there is none; an index is only touched when its column changed.
   * @throws when the stored version is not `rowVersion`: another process writes this file.
   */
  saveActor(row: StoredActor, before: IndexedColumns | null): void;
  recordDecision(row: LedgerRow): void;
  /** Decisions the stream holds for this actor that this store has not derived, by revision. */
  learntDecisions(type: string, actorId: string): LearntDecision[];
  /** Keeps a decision the stream holds already as one of ours. */
  adoptDecision(row: LedgerRow, publishedSequence: number): void;
  /** @returns false when the stream holds this very dead letter already. */
  recordDeadLetter(row: DeadLetterRow): boolean;
  isQuarantined(type: string, actorId: string): boolean;
  quarantine(row: QuarantineRow): void;
  /** Keeps an event of a quarantined or retired actor for later. */
  park(row: ParkedRow): void;
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

export type Outcome = "applied" | "superseded" | "duplicate" | "conflict" | "parked" | "rejected" | "skipped";

/** What became of one delivery. */
export interface Handled {
  readonly delivery: Delivery;
  readonly outcome: Outcome;
  readonly observation?: Observation;
  readonly rejected?: Rejected;
}

/** What one committed batch brought about. */
export interface BatchResult {
  readonly handled: readonly Handled[];
  /** To be published, in revision order per actor. */
  readonly decisions: readonly LedgerRow[];
  readonly deadLetters: readonly DeadLetterRow[];
  /** Completeness of each actor the batch touched, 0 to 100. */
  readonly completeness: readonly number[];
  /** Every state change, in order. */
  readonly moves: readonly Move[];
}

/** One event took an actor from one state to another. */
export interface Move {
  /** The actor type's name. */
  readonly type: string;
  /** Null: the actor is new, `to` is the state its machine starts in. */
  readonly from: string | null;
  readonly to: string;
}
