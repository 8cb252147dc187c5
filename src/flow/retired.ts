import { createHash } from "node:crypto";
import type { ActorType } from "../../machines/actor-type.ts";
import { withoutSource } from "./cloud-event.ts";
import type { Lane, Rejected, RetiredRow } from "./ports.ts";
import type { RetiredAnswer } from "./queries.ts";

/** An actor that may be retired. */
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
  /** Stream time of its latest event, ms since the epoch. */
  readonly updatedAtMs: number;
  /** 1: a decision stands, all its decisions are published, it is not quarantined and nothing is known that is to come. */
  readonly isSettled: 0 | 1;
}

/** Where a walk over quiet actors is: after this one. */
export type QuietPlace = Pick<QuietActor, "updatedAtMs" | "key">;

/** The rows that say who is retired, and those of the actors who may be. */
export interface RetiredRows {
  find(type: string, actorId: string): RetiredRow | undefined;
  /** The ids of all an actor's events. */
  eventIds(actorKey: number): string[];
  /** Puts the row in place of all an actor has; within a transaction. @param actorKey - the actor's. */
  retire(row: RetiredRow, actorKey: number): void;
  mark(type: string, actorId: string, status: RetiredRow["status"]): void;
  /** The actor is to come back; within a transaction. */
  forget(type: string, actorId: string): void;
  /** Those whose late events are parked, by id after `after`. */
  wanted(type: string, after: string, limit: number): RetiredRow[];
  /** Stream time of the latest event of all actors, ms since the epoch; null when there are none. */
  newestMs(type: string): number | null;
  /** Actors whose latest event is older than `beforeMs`, the quietest first. */
  quiet(type: string, beforeMs: number, after: QuietPlace, limit: number): QuietActor[];
}

/** Why an event about a retired actor can never succeed. */
export function orderRetired({ type, stream }: Lane, { actorId, revision }: RetiredRow): Rejected {
  const error = `${type.name} ${actorId} was retired at revision ${revision}, and ${stream} or its decisions no longer hold what would bring it back`;
  return { reason: "order_retired", error };
}

/** A retired actor for a person, on one line. */
export function describeRetired(type: ActorType, actorId: string, answer: RetiredAnswer): string {
  const { status, retiredAt, lastUpdated, version, revision, parked } = answer;
  const known = `${type.name} ${actorId} is retired since ${retiredAt}: ${version} events, the last one of ${lastUpdated}, revision ${revision}`;
  switch (status) {
    case "kept":
      return `${known}. The next event about it brings it back, as long as the streams hold all of it`;
    case "wanted":
      return `${known}. It is being brought back for ${parked} late events`;
    case "lost":
      return `${known}. The streams no longer hold all of it: further events about it are dead-lettered as order_retired`;
    default:
      return status satisfies never;
  }
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
