import type { ActorType } from "../../machines/actor-type.ts";
import type { BatchResult, Journal, Lane } from "./ports.ts";
import type { Processor } from "./processor.ts";
import { unpark } from "./quarantine.ts";
import type { QuarantineNotice } from "./queries.ts";

/** A quarantined actor; also its id, under `type.idField`. */
export interface QuarantineEntry extends QuarantineNotice {
  readonly [id: string]: unknown;
}

/** The first entries by id, under `type.collection`. */
export interface QuarantinePage {
  /** More follow the last one. */
  readonly more: boolean;
  readonly [collection: string]: readonly QuarantineEntry[] | boolean;
}

/** A quarantined actor with the events kept back. */
export interface QuarantineDetail extends QuarantineEntry {
  /** In stream order, the first {@link MAX_PARKED_SHOWN}. */
  readonly events: readonly ParkedEvent[];
}

/** One event kept back. */
export interface ParkedEvent {
  /** Stream sequence. */
  readonly sequence: number;
  readonly eventType: string;
  /** Stream time. */
  readonly receivedAt: string;
  /** Of the body. */
  readonly bytes: number;
  /** Of the first event only, the one the machine failed on; null when it is not UTF-8. */
  readonly body?: string | null;
}

export const MAX_PARKED_SHOWN = 500;

/** Questions about quarantined actors; `store/` answers. */
export interface QuarantineQueries {
  /** @param after - the id after which to begin. */
  quarantined(
    type: ActorType,
    options: { readonly after?: string; readonly limit: number; readonly partitions?: readonly number[] },
  ): QuarantinePage;
  /** @returns undefined when it is not quarantined. */
  quarantine(type: ActorType, actorId: string): QuarantineDetail | undefined;
}

/** What came of a release; also the actor's id, under `type.idField`. */
export interface Released {
  /** False: its machine failed again, and the rest is kept back again. */
  readonly released: boolean;
  /** Kept-back events by what became of them. */
  readonly applied: number;
  readonly superseded: number;
  readonly duplicate: number;
  readonly conflict: number;
  readonly rejected: number;
  readonly parked: number;
  /** Decisions taken on the way. */
  readonly decisions: number;
  readonly [id: string]: unknown;
}

/** Ends quarantines. */
export interface QuarantineControl extends QuarantineQueries {
  /**
   * Applies an actor's kept-back events, in one transaction.
   *
   * @returns undefined when it is not quarantined.
   * @throws when the commit fails; then nothing happened.
   */
  release(type: ActorType, actorId: string): Released | undefined;
}

export interface QuarantineControlOptions {
  readonly queries: QuarantineQueries;
  readonly journal: Journal;
  readonly processor: Processor;
  readonly laneOf: (type: ActorType, actorId: string) => Lane;
  /** As after any other batch; `commitMs` is the time it took. */
  readonly onCommitted: (result: BatchResult, commitMs: number) => void;
}

/**
 * Ends an actor's quarantine and applies its parked events in stream order, in one transaction. When its machine fails
 * again, the rest is parked again.
 *
 * @returns undefined when the actor is not quarantined.
 * @throws when the commit fails; then nothing happened.
 */
export function release(journal: Journal, processor: Processor, lane: Lane, actorId: string): BatchResult | undefined {
  const type = lane.type.name;
  if (!journal.isQuarantined(type, actorId)) return undefined;
  return processor.again((batch) => {
    batch.tallies.add(lane, "quarantined", -1);
    journal.endQuarantine(type, actorId);
    for (const row of journal.takeParked(type, actorId)) batch.parked(unpark(lane, row));
  });
}

/** Joins questions about quarantine and its end. */
export function createQuarantineControl(options: QuarantineControlOptions): QuarantineControl {
  const { queries, journal, processor, laneOf, onCommitted } = options;
  return {
    quarantined: queries.quarantined,
    quarantine: queries.quarantine,
    release(type, actorId) {
      const startedMs = performance.now();
      const result = release(journal, processor, laneOf(type, actorId), actorId);
      if (result === undefined) return undefined;
      onCommitted(result, performance.now() - startedMs);
      const count = (wanted: string) => result.handled.filter(({ outcome }) => outcome === wanted).length;
      const failed = result.handled.some(({ rejected }) => rejected?.reason === "machine_error");
      return {
        [type.idField]: actorId,
        released: !failed,
        applied: count("applied"),
        superseded: count("superseded"),
        duplicate: count("duplicate"),
        conflict: count("conflict"),
        // The event that failed again is kept back too.
        rejected: count("rejected") - Number(failed),
        parked: count("parked") + Number(failed),
        decisions: result.decisions.length,
      };
    },
  };
}
