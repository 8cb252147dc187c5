import type { ActorType } from "../actor/actor-type.ts";
import type { FoldStep } from "../flow/hosts/live-actor.ts";
import type { Wait } from "../flow/hosts/waits.ts";
import type { Pieces } from "../flow/pieces.ts";
import type { RetiredRow, StoredOutcome } from "../flow/rows.ts";
import type { Place } from "./cursor.ts";
import type { DeadLetter, DeadLetterFilter, DeadLetterPage } from "./dead-letters.ts";
import type { Foreseen, Moment, ReplayedEvent } from "./replay.ts";

/*
 * The read side: plain JSON as it goes over the wire (docs/reference.md, "Queries"), times as RFC 3339 in UTC, shares in percent.
 */

/**
 * Answers questions from committed rows, each as of one moment of the store. Those about one actor, whose history may be
 * long, are answered in pieces of less than a millisecond; the others are short and answered at once.
 */
export interface Queries {
  /** @returns undefined when no event of this actor was ever heard here, or it is retired. */
  get(type: ActorType, actorId: string): Pieces<ActorAnswer | undefined>;
  /** @returns undefined when it is not retired. */
  retired(type: ActorType, actorId: string): RetiredAnswer | undefined;
  /** @returns undefined as {@link get} does. */
  history(type: ActorType, actorId: string): Pieces<ActorHistory | undefined>;
  /** @returns undefined as {@link get} does. */
  steps(type: ActorType, actorId: string): Pieces<ActorSteps | undefined>;
  /**
   * What each of the type's samples would lead to.
   *
   * @param at - after so many events of its history; undefined is after the last that {@link steps} shows.
   * @returns undefined as {@link get} does.
   */
  next(type: ActorType, actorId: string, at?: number): Pieces<ActorNext | undefined>;
  /** @param partitions - the partitions asked about; undefined is all the store has rows of. */
  list(type: ActorType, filter: ListFilter, partitions?: readonly number[]): ActorPage;
  /** From running counts: costs the same however many actors there are. */
  stats(type: ActorType, partitions?: readonly number[]): Stats;
  /** When the actor of which no decision stands for longest was first heard of, ms since the epoch; null when none. */
  undecidedSince(type: ActorType, partitions?: readonly number[]): number | null;
  /**
   * When the next actor is due that waits for a delay (`after`) of a state, by the state's path; only of states whose next
   * one is among the first of all. An actor that waits in several states at once is left out: of which it is, nobody kept.
   */
  nextDue(type: ActorType, partitions?: readonly number[]): Readonly<Record<string, string>>;
  /** Stream time of the latest event applied, of the partition where that is longest ago; null when one has none lately. */
  asOf(type: ActorType, partitions: readonly number[]): string | null;
  deadLetters(type: ActorType, filter: DeadLetterFilter, partitions?: readonly number[]): DeadLetterPage;
  /** @param sequence - in the type's stream. */
  deadLetter(type: ActorType, sequence: number, partitions?: readonly number[]): DeadLetter | undefined;
}

/** An actor. Besides these fields: its id under `type.idField`, and the facets `type.view` gives. */
export interface ActorAnswer {
  /** As {@link state}. */
  readonly processingStatus: string;
  /** For example `review.documents`; of parallel states all, joined by ` · `. */
  readonly state: string;
  /** XState's state value, for example `{ review: "documents" }`; null when it cannot be told. */
  readonly value: unknown;
  /** Delays it waits for, the earliest first. */
  readonly due: readonly Wait[];
  readonly dataCompleteness: number;
  /** The standing decision as it is published, or null. */
  readonly decision: PublishedObject | null;
  /** Number of distinct events; ticks are none. */
  readonly version: number;
  /** Stream time of the latest event. */
  readonly lastUpdated: string;
  /** In stream order, the latest {@link HISTORY_LIMIT}. */
  readonly eventHistory: readonly EventEntry[];
  /** Event types that would complete it; not those that are kept back. */
  readonly waitingFor: readonly string[];
  /** Set while it is quarantined; what it is and what is known of it is then as of before the event it failed on. */
  readonly quarantine?: QuarantineNotice;
  readonly [idOrFacet: string]: unknown;
}

/**
 * Why an actor is quarantined. Of a merge type: nothing heard about it is applied until it is released. By event time: its
 * events cannot be folded, or concluded from; each further one folds them again, and may end it.
 */
export interface QuarantineNotice {
  /** Of the event that was heard when its machine or a rule failed, by event time the latest such one. */
  readonly eventType: string;
  readonly error: string;
  /** Stream time of the first. */
  readonly since: string;
  /** Events kept back: of a merge type all from the one it failed on; by event time those that wait for others. */
  readonly parked: number;
}

/** What is left of a retired actor; also its id, under `type.idField`. */
export interface RetiredAnswer {
  readonly status: RetiredRow["status"];
  /** Stream time. */
  readonly retiredAt: string;
  /** Stream time of its latest event. */
  readonly lastUpdated: string;
  /** Number of distinct events. */
  readonly version: number;
  readonly revision: number;
  /** Late events that wait until it is back. */
  readonly parked: number;
  readonly [id: string]: unknown;
}

/** Events and decisions given of one actor at most; the latest ones. */
export const HISTORY_LIMIT = 1000;
/** JSON of the events' fields in one history at most, and of its decisions; the latest one is always given. */
export const HISTORY_BYTES = 4_194_304;

/** One distinct event of an actor. */
export interface EventEntry {
  readonly eventId: string;
  readonly eventType: string;
  /** Event time. */
  readonly timestamp: string;
  /** Stream time. */
  readonly receivedAt: string;
  readonly outcome: StoredOutcome;
  /** Of a reordered one: events that happened later and were folded again. */
  readonly replayed?: number;
  /** Deliveries of the same event beyond the first. */
  readonly duplicates: number;
  /** Deliveries with its type and id, but another content: the first heard counts, which is this one. */
  readonly conflicts: number;
  /** Stream sequence. */
  readonly sequence: number;
  readonly correlationId: string | null;
}

/** A decision in its wire form. */
export type PublishedObject = Readonly<Record<string, unknown>>;

/** All that led to what an actor is; also its id, under `type.idField`. */
export interface ActorHistory extends Pick<ActorAnswer, "quarantine"> {
  /** Number of distinct events, of ticks, too, and of those not shown. */
  readonly total: number;
  /** As `eventHistory`, with the event's own fields; at most {@link HISTORY_BYTES} of them. */
  readonly events: ReadonlyArray<EventEntry & { readonly data: PublishedObject }>;
  /** By revision; the latest {@link HISTORY_LIMIT}. */
  readonly decisions: readonly DecisionEntry[];
  readonly [id: string]: unknown;
}

/** A revision as published, and whether it is. */
export interface DecisionEntry {
  readonly published: boolean;
  /** In DECISIONS, null until then. */
  readonly sequence: number | null;
  readonly [field: string]: unknown;
}

/**
 * An actor's history, replayed through its machine from the first event on; also its id, under `type.idField`. At most
 * {@link STEPS_LIMIT} steps and {@link STEPS_BYTES}.
 */
export interface ActorSteps extends Pick<ActorHistory, "total" | "quarantine"> {
  /** Before the first event. */
  readonly initial: Moment;
  /** In stream order. */
  readonly steps: readonly ActorStep[];
  /** By event time: today's fold of these events, with the delays that acted, in the order in which they happened. */
  readonly fold?: readonly FoldStep[];
  readonly [id: string]: unknown;
}

export interface ActorStep extends ReplayedEvent {
  readonly event: EventEntry & { readonly data: PublishedObject };
  /** The revisions it caused. */
  readonly decisions: readonly DecisionEntry[];
}

/** Steps given of one actor at most, the first ones. */
export const STEPS_LIMIT = 500;
/** JSON of one answer's steps at most; the first step is always given. */
export const STEPS_BYTES = 4_194_304;

/** What may come next; also its id, under `type.idField`. */
export interface ActorNext {
  /** After so many events. */
  readonly at: number;
  readonly next: readonly Foreseen[];
  readonly [id: string]: unknown;
}

/** Which actors to list; absent fields do not restrict. Made by `readListFilter`. */
export interface ListFilter {
  /** A path: actors in it, or in a state below it, whatever parallel states they are in besides. */
  readonly state?: string;
  /** The standing decision's type; null asks for actors of which none stands. */
  readonly decision?: string | null;
  /** False asks for complete actors. */
  readonly incomplete?: boolean;
  /** In whole percent. */
  readonly completeness?: number;
  /** An event type: only actors of which no such event was applied. */
  readonly waitingFor?: string;
  /** True asks for quarantined actors, those of which nothing was ever applied included. */
  readonly quarantined?: boolean;
  /** What their ids begin with. */
  readonly idPrefix?: string;
  /** Only actors whose latest event is older, ms since the epoch. */
  readonly updatedBeforeMs?: number;
  /** Only actors that wait for a delay, the next of which ends before, ms since the epoch. */
  readonly dueBeforeMs?: number;
  /** 1 to 200. */
  readonly limit: number;
  /** Where the page before ended, see `cursor.ts`. */
  readonly after?: Place;
}

/**
 * One page: the summaries under `type.collection`, newest first seen first; with `idPrefix` or `quarantined` by id, else with
 * `dueBeforeMs` who is due first.
 *
 * A page may hold fewer than `limit` while `nextCursor` goes on: one page looks at a bounded number of rows, so that no
 * question holds up the daemon. Null is the end.
 */
export interface ActorPage {
  readonly nextCursor: string | null;
  readonly [collection: string]: readonly ActorSummary[] | string | null;
}

/** One actor of a list; also its id, under `type.idField`. */
export interface ActorSummary
  extends Pick<
    ActorAnswer,
    "processingStatus" | "state" | "dataCompleteness" | "version" | "lastUpdated" | "quarantine"
  > {
  /** The standing decision's, or null. */
  readonly decisionType: string | null;
  /** The latest revision taken, 0 when none. */
  readonly revision: number;
  /** When the next delay it waits for ends; absent when it waits for none. */
  readonly nextDue?: string;
  /** Stream time of the first event heard. */
  readonly firstSeen: string;
  readonly [id: string]: unknown;
}

export type Counts = Readonly<Record<string, number>>;

/** How many there are, and how many there were; also, under `type.collection`, an {@link ActorCounts}. */
export interface Stats {
  /** Actors by standing decision, now. */
  readonly standing: { readonly byType: Counts };
  /** Actors by completeness in whole percent, now. */
  readonly completeness: { readonly byPercent: Counts };
  /** Deliveries by outcome, ever. */
  readonly events: {
    readonly applied: number;
    readonly superseded: number;
    readonly duplicate: number;
    /** Other content under the type and id of an event that was heard before. */
    readonly conflict: number;
    /** By event time: it happened before others that were heard. */
    readonly reordered?: number;
    /** By event time: no transition takes it where it happened. */
    readonly unhandled?: number;
    /** By event time: its actor's events cannot be folded, or concluded from. */
    readonly held?: number;
    /** Says that time has passed, and is no event of the machine's. */
    readonly tick?: number;
    /** A tick before its time, or about nobody. */
    readonly ignored?: number;
    /** Kept because their actor was quarantined or retired when they were heard. */
    readonly parked: number;
  };
  /** Actors in quarantine, now. */
  readonly quarantined: number;
  /** Actors of which only is kept that they are retired, now; counted nowhere else among those that are now. */
  readonly retired: number;
  /** Revisions taken, ever; `revised` counts those after an actor's first. */
  readonly decisions: { readonly byType: Counts; readonly revised: number };
  /** Ever. */
  readonly deadLetters: { readonly byReason: Counts };
  readonly [collection: string]: unknown;
}

/** Actors now. Every state the type names is there, also at 0; one in two parallel states counts in both. */
export interface ActorCounts {
  readonly total: number;
  readonly byState: Counts;
  /** Of a type with states within states: also by those they are in, outer before inner. */
  readonly byPath?: Counts;
}
