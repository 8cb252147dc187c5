import type { ActorType } from "../actor/actor-type.ts";
import type { QuarantineNotice, Stats } from "./queries.ts";

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

export interface QuarantineFilter {
  /** The id after which to begin. */
  readonly after?: string;
  readonly limit: number;
  readonly partitions?: readonly number[];
}

export interface QuarantineQueries {
  quarantined(type: ActorType, filter: QuarantineFilter): QuarantinePage;
  /** @returns undefined when it is not quarantined. */
  quarantine(type: ActorType, actorId: string): QuarantineDetail | undefined;
}

/**
 * What came of a release: kept-back events by what became of them, as {@link Stats} has them; also the actor's id, under
 * `type.idField`.
 */
export interface Released extends Omit<Stats["events"], "tick" | "ignored"> {
  /** False: its machine failed again, and the rest is kept back again. */
  readonly released: boolean;
  readonly rejected: number;
  /** Decisions taken on the way. */
  readonly decisions: number;
  readonly [id: string]: unknown;
}

/**
 * Ends a quarantine: applies the actor's kept-back events, in one transaction.
 *
 * @returns undefined when it is not quarantined.
 * @throws when the commit fails; then nothing happened.
 */
export type Release = (type: ActorType, actorId: string) => Released | undefined;
