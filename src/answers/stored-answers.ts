import type { ActorType } from "../actor/actor-type.ts";
import type { HeardEvent, LedgerRow, StoredActor } from "../flow/rows.ts";
import type { QuarantineQueries } from "./quarantine.ts";
import type { ActorPage, ListFilter, QuarantineNotice, Queries } from "./queries.ts";

/** What the store answers by itself, and the rows for what takes an actor's machine. */
export interface StoredAnswers extends Omit<Queries, "get" | "history" | "steps" | "next" | "list">, QuarantineQueries {
  readonly rows: HistoryRows;
  /** As {@link Queries.list}. @param blank - what an actor is of which nothing was ever applied. */
  list(type: ActorType, filter: ListFilter, blank: BlankActor, partitions?: readonly number[]): ActorPage;
  close(): void;
}

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
export interface Held {
  readonly notice: QuarantineNotice;
  readonly arrived: ReadonlySet<string>;
}

/** One of its events, without its fields. */
export type EventHead = Omit<HeardEvent, "actorKey" | "body">;

/** One of its decisions. */
export interface DecisionRow extends Pick<LedgerRow, "payload" | "causedAtMs"> {
  /** In DECISIONS, null until then. */
  readonly published: number | null;
}
