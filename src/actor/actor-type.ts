import type { AnyStateMachine, EventObject, StateValue } from "xstate";
import type { z } from "zod";

/** One event as the machine receives it: already decoded, validated and normalised. */
export interface ActorEvent extends EventObject {
  /** The event type, for example `PaymentProcessed`; also the XState event type. */
  readonly type: string;
  readonly eventId: string;
  /** Event time, RFC 3339 in UTC, see {@link normaliseTimestamp}. */
  readonly timestamp: string;
  /** The type's own fields, exactly those of its contract. */
  readonly data: Readonly<Record<string, unknown>>;
}

/** What follows from an actor's facets: the part whose change makes a new revision. */
export interface DecisionContent {
  readonly decisionType: string;
  readonly [field: string]: string | number | boolean | null;
}

/** What an actor is at a moment, as its rules see it: part of XState's snapshot. */
export interface ActorSnapshot<Context = unknown> {
  /** XState's, for example `{ review: "documents" }`. */
  readonly value: StateValue;
  readonly context: Context;
  /** `done`: a final state of the machine's root is reached; nothing changes any more. */
  readonly status: "active" | "done";
  /** Of a machine that is done, when it gives any. */
  readonly output: unknown;
  /** Of all active states. */
  readonly tags: ReadonlySet<string>;
  /** @param value - a state or part of one, for example `"review"` or `"review.documents"`. */
  readonly matches: (value: StateValue) => boolean;
}

/** A decision together with the facts it rests on. */
export interface Conclusion {
  /** Null: nothing follows; a standing decision is then withdrawn. */
  readonly content: DecisionContent | null;
  /**
   * Event ids of what it rests on.
   *
   * Absent, in event time: the facts that were applied, in the order in which they happened, the latest 100.
   */
  readonly basedOn?: readonly string[];
  /**
   * The latest timestamp among those, or null when there are none.
   *
   * Absent, in event time: since when this content has followed.
   */
  readonly decidedAt?: string | null;
}

/**
 * A kind of durable actor. Everything `src/` knows of a domain it learns from this interface, so a new
 * actor type is one folder under `machines/` and one line in `registry.ts`.
 */
export interface ActorType<Context = unknown> {
  /** Singular, for example `order`. */
  readonly name: string;
  /** Plural; the first token of its subjects and, in capitals, the name of its stream. */
  readonly collection: string;
  /** The field that carries the actor's id in events, decisions and queries, for example `orderId`. */
  readonly idField: string;
  /** The fields of each event type, without the envelope (`eventType`, `timestamp`, the id). */
  readonly events: Readonly<Record<string, z.ZodType<Record<string, unknown>>>>;
  readonly machine: AnyStateMachine;
  /**
   * What makes the order of arrival not matter. `event-time`: the host, which folds an actor's events in the order in
   * which they happened; any statechart will do, and delays are allowed. `merge`: the machine itself, which has to come
   * to the same from every order (see `newest`, `earliest`); cheaper, as nothing is ever folded again.
   *
   * Absent: `event-time`.
   */
  readonly ordering?: "event-time" | "merge";
  /**
   * How much later than a delay's end the actor takes for certain that nothing happened before it, in ms of stream time:
   * for what is merely a little late. Absent: 2000. For types with delays.
   */
  readonly graceMs?: number;
  /** How far after it was stored an event may say that it happened, in ms. Absent: 60,000. For types with delays. */
  readonly aheadMs?: number;
  /**
   * How long before the newest fact of its actor an event may have happened, in ms; what is later than that is
   * dead-lettered as `too_late`. Absent: any time, as far as {@link maxFacts} goes. By event time only.
   */
  readonly latenessMs?: number;
  /**
   * How many of an actor's facts any other may still come before, where `latenessMs` does not say it: of an actor with
   * more, what happened before the newest so many is dead-lettered as `too_late`. Absent: 10,000. By event time only.
   */
  readonly maxFacts?: number;
  /**
   * How many delays may end between two facts, and after the last: a machine with more is held, as one whose states wait
   * for each other for ever. Absent: 1000. For types with delays.
   */
  readonly maxDelays?: number;
  /** Raise it when the machine's context or rules change: stored snapshots of another version are rebuilt from events. */
  readonly version: number;
  /**
   * The states without states in them, by path (`review.documents`), in the order a person would list them. History
   * states are none.
   */
  readonly states: readonly string[];
  /** Every decision type `conclude` can name; the withdrawing one alone: any. */
  readonly decisionTypes: readonly string[];
  /** The fields of each decision type, without the envelope; for `natstate schema` and consumers. Absent: any fields. */
  readonly decisions?: Readonly<Record<string, z.ZodType<Record<string, unknown>>>> | undefined;
  /** The decision type that says a standing decision no longer follows. */
  readonly withdrawn: string;
  /** Pure and cheap: it runs after every event that did something. */
  conclude(actor: ActorSnapshot<Context>): Conclusion;
  /** 0 to 100. Absent: the share of its event types that were heard. */
  completeness?(actor: ActorSnapshot<Context>): number;
  /** What is known, as queries show it. */
  view(actor: ActorSnapshot<Context>): Readonly<Record<string, unknown>>;
  /** Event types that would complete the actor, in the order a person would ask for them. */
  waitingFor(actor: ActorSnapshot<Context>): readonly string[];
  /**
   * Events that may come next, for the console to show what each would lead to. Pure.
   *
   * @param actor - so that they agree with what is known.
   */
  samples?(actor: ActorSnapshot<Context>): readonly SampleEvent[];
  /** Seeded traffic and an independent model of the rules, for `demo` and `simulate`, which fail without. */
  readonly rehearsal?: Rehearsal;
}

/** An event that may come next. */
export interface SampleEvent {
  /** One of the actor type's event types. */
  readonly type: string;
  /** What is special about it, for example `failed`; empty when its type says all. */
  readonly label: string;
  /** As the contract gives it. */
  readonly data: Readonly<Record<string, unknown>>;
}

/** How much goes wrong in seeded traffic; shares are 0 to 1. */
export interface TrafficOptions {
  readonly actors: number;
  readonly seed: number;
  /** Share of events published a second or third time. */
  readonly duplicates: number;
  /** Share of events held back to the very end. */
  readonly late: number;
  /** Share of what may fail that does at first, for example of payments. */
  readonly fail: number;
  /** How many actors' events are mixed with each other; 0 keeps each actor's events together and in order. */
  readonly shuffle: number;
  /** How many messages that can never be accepted. */
  readonly malformed: number;
  /** Put before every actor id, so that two runs do not meet. */
  readonly idPrefix?: string;
  /** Event time of the first actor's first event, ms since the epoch; 2026-01-01 when absent. */
  readonly startMs?: number;
  /** So much later each next actor begins; a second when absent. */
  readonly everyMs?: number;
}

/** One message of seeded traffic, ready to publish. */
export interface TrafficMessage {
  /** As publishers use it, without a partition token. */
  readonly subject: string;
  readonly body: string | Uint8Array;
  readonly headers?: Readonly<Record<string, string>>;
  /** The actor it is about, when it is about one. */
  readonly actorId?: string;
  /** Set when it must be dead-lettered, with the reason expected. */
  readonly rejectedAs?: string;
}

/** What the independent model expects of one actor. */
export interface ExpectedActor {
  readonly state: string;
  readonly completeness: number;
  /** As {@link ActorType.view} gives them. */
  readonly view: Readonly<Record<string, unknown>>;
  /** The standing decision's content, or null when none stands. */
  readonly decision: DecisionContent | null;
  /** Distinct events. */
  readonly events: number;
  /** Deliveries beyond the first of the same event. */
  readonly duplicates: number;
}

/** Seeded traffic and what must come of it. */
export interface Rehearsal {
  /** The same options give the same messages, in the same order. */
  traffic(options: TrafficOptions): TrafficMessage[];
  /** Shares no code with the machine or the decision rule. */
  expect(messages: readonly TrafficMessage[]): Map<string, ExpectedActor>;
  /** An actor whose story is worth telling in the demo. */
  readonly showcaseId: string;
}
