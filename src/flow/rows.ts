import type { RejectionReason } from "../wire/rejection.ts";

/*
 * What the store keeps, as the path of an event sees it. `store/` writes and reads it; nothing here does anything.
 */

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
  /** What the actor is restored from as JSON, see `hosts/host.ts`. */
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
  /** Stream time of the latest event heard, ms since the epoch; not before `firstSeenAtMs`. */
  readonly updatedAtMs: number;
  /** When its next delay ends, normalised event time; null when it waits for nothing. */
  readonly due: string | null;
  /** See {@link Hearer}. */
  readonly heard: Uint8Array;
}

/** An actor as far as its events are concerned. */
export interface Hearer {
  readonly key: number;
  /** By what the store finds its events. Its row keeps it; the journal sets it whenever it records or forgets one. */
  heard: Uint8Array;
}

/** The columns lists are made by. */
export type IndexedColumns = Pick<StoredActor, "state" | "decisionType" | "completeness" | "due">;

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

/** What a machine hears of an event: all that is read of those an actor has heard before. */
export type StoredFact = Pick<EventRow, "type" | "eventId" | "timestamp" | "body">;

/**
 * What an event did when it was heard. `superseded`: nothing, of a merge type. By event time: `reordered`, it happened
 * before others; `unhandled`, nothing in the machine takes it where it happened; `held`, it is kept, and the actor's facts
 * could not be folded; `tick`, it is none of the machine's.
 */
export type StoredOutcome = "applied" | "superseded" | "reordered" | "unhandled" | "held" | "tick";

/** An event, and what became of it. */
export interface HeardEvent extends EventRow {
  readonly outcome: StoredOutcome;
  /** Of a reordered one: events that happened later and were folded again. */
  readonly replayed: number;
  /** How often it was heard again, and how often with another content. */
  readonly duplicates: number;
  readonly conflicts: number;
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

/** A decision that was taken just now, with its cause. */
export interface TakenDecision extends LedgerRow {
  /** The event that caused it. */
  readonly causationId: string;
  readonly correlationId: string | null;
  /** Stream sequence of that event. */
  readonly sequence: number;
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
