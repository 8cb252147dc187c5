import { createHash } from "node:crypto";
import type { Lane } from "../wire/lanes.ts";
import type { Rejected } from "../wire/rejection.ts";
import { withoutSource } from "./cloud-event.ts";
import type { Delivery } from "./delivery.ts";
import type { PublishedDecision, RetiredRow } from "./rows.ts";

/** An actor that has been known for long enough to be retired. */
export interface QuietActor {
  readonly key: number;
  readonly id: string;
  readonly partition: number;
  readonly state: string;
  readonly decisionType: string | null;
  /** 0 to 100. */
  readonly completeness: number;
  readonly events: number;
  readonly revision: number;
  readonly firstSeenAtMs: number;
  /** Stream time of its latest event, ms since the epoch. */
  readonly updatedAtMs: number;
  /** 1: its latest event is old enough, a decision stands, all its decisions are published, it is not quarantined, waits for no delay, and nothing is known that is to come. */
  readonly isSettled: 0 | 1;
}

/** Where a walk over them is: after this one. */
export type QuietPlace = Pick<QuietActor, "firstSeenAtMs" | "id">;

/** What the streams hold of an actor. */
export interface History {
  /** Its messages, in stream order. */
  readonly deliveries: readonly Delivery[];
  /** Every decision on its subject, by sequence. */
  readonly decisions: readonly PublishedDecision[];
}

/** The rows that say who is retired, and those of the actors who may be. */
export interface RetiredRows {
  find(type: string, actorId: string): RetiredRow | undefined;
  /** The ids of all an actor's events but its ticks. */
  eventIds(actorKey: number): string[];
  /** Puts the row in place of all an actor has; within a transaction. @param actorKey - the actor's. */
  retire(row: RetiredRow, actorKey: number): void;
  mark(type: string, actorId: string, status: RetiredRow["status"]): void;
  /** The actor is to come back; within a transaction. */
  forget(type: string, actorId: string): void;
  /** Those whose late events are parked, by id after `after`. */
  wanted(type: string, after: string, limit: number): RetiredRow[];
  /** When the latest message was stored that was applied of a stream, ms since the epoch; null when none is known. */
  heardMs(stream: string): number | null;
  /** Actors first seen before `beforeMs`, in that order; settled are those of which nothing was heard since either. */
  quiet(type: string, beforeMs: number, after: QuietPlace, limit: number): QuietActor[];
}

/** Why an event about a retired actor can never succeed. */
export function actorRetired({ type, stream }: Lane, { actorId, revision }: RetiredRow): Rejected {
  const error = `${type.name} ${actorId} was retired at revision ${revision}, and ${stream} or its decisions no longer hold what would bring it back`;
  return { reason: "actor_retired", error };
}

/** By what an actor's events are known again: their ids, one for each event; the order does not matter. */
export function digestOf(eventIds: Iterable<string>): string {
  return createHash("sha256")
    .update(JSON.stringify([...eventIds].sort()))
    .digest("hex")
    .slice(0, 16);
}

/**
 * Is this the digest of these events, an id for each?
 *
 * An actor that was retired when events were known by their id alone, whatever their type and, of a CloudEvent, its
 * source, has the digest of these.
 */
export function isDigestOf(eventIds: readonly string[], digest: string): boolean {
  return digestOf(eventIds) === digest || digestOf(new Set(eventIds.map(withoutSource))) === digest;
}
