import type { AnyStateMachine, EventFromLogic, InputFrom, SnapshotFrom, StateValue } from "xstate";
import type { z } from "zod";
import type { ActorType, DecisionContent, Rehearsal, SampleEvent } from "./actor-type.ts";
import type { Grounds } from "./conclude.ts";
import type { Beside, Contract, ContractDefinition, Fields } from "./define-contract.ts";

/*
 * What an author writes of an actor type, with types read off the contract and the machine, so that nothing has to be cast
 * and what does not fit together does not compile.
 */

/**
 * The events of a contract as a machine hears them: `types: { events: {} as MachineEvents<typeof events> }`.
 */
export type MachineEvents<Events extends Fields> = {
  [Type in keyof Events & string]: {
    readonly type: Type;
    readonly eventId: string;
    /** Event time, RFC 3339 in UTC. */
    readonly timestamp: string;
    readonly data: Readonly<z.output<Events[Type]>>;
  };
}[keyof Events & string];

/** What an actor is, as the rules of a type with this machine see it: part of XState's snapshot. */
export type Seen<Machine extends AnyStateMachine> = SeenAlways<Machine> &
  (
    | { readonly status: "active"; readonly output: undefined }
    | { readonly status: "done"; readonly output: Extract<SnapshotFrom<Machine>, { status: "done" }>["output"] }
  );

interface SeenAlways<Machine extends AnyStateMachine> {
  /** XState's, for example `{ review: "documents" }`. */
  readonly value: SnapshotFrom<Machine>["value"];
  readonly context: SnapshotFrom<Machine>["context"];
  /** Of all active states. */
  readonly tags: ReadonlySet<Parameters<SnapshotFrom<Machine>["hasTag"]>[0]>;
  /** Is it in this state? By its path, `"review"` or `"review.documents"`, or by part of a value. */
  readonly matches: (state: StatePath<SnapshotFrom<Machine>["value"]>) => boolean;
}

/** A part of a state value: a path with dots, or as XState writes it. */
type StatePath<Value> = StateValue extends Value ? StateValue : PathIn<Value> | PartOf<Value>;

type PathIn<Value> = Value extends string
  ? Value
  : { [Key in keyof Value & string]: Key | `${Key}.${PathIn<Value[Key]>}` }[keyof Value & string];

type PartOf<Value> = Value extends string
  ? Value
  : { readonly [Key in keyof Value]?: PartOf<Value[Key]> | PathIn<Value[Key]> };

/** A decision's content: `decisionType` says which fields it has; any fields where a type describes none. */
type Content<Decisions, Withdrawn> = Decisions extends Fields
  ? ContentOf<Decisions, Exclude<keyof Decisions & string, Withdrawn>>
  : DecisionContent;

type ContentOf<Decisions extends Fields, Types extends keyof Decisions> = {
  [Type in Types]: { readonly decisionType: Type } & Beside<z.input<Decisions[Type]>>;
}[Types];

/**
 * Nothing is of this type. It is there because TypeScript reads `reason: "late"` as a string, while it does not know the
 * decisions yet, unless a type parameter that is text may stand there.
 */
interface KeepLiterals<Text extends string> {
  readonly decisionType: never;
  readonly [field: string]: Text;
}

export type Ordering = NonNullable<ActorType["ordering"]>;

/** Nobody but its rule knows what a decision of a type that merges rests on. */
type GroundsIn<Order extends Ordering> = "merge" extends Order ? Grounds : Partial<Grounds>;

/** The events of a contract, each with what is wrong where the machine cannot hear it. */
type HeardBy<Machine extends AnyStateMachine, Events extends Fields> = {
  readonly [Type in keyof Events & string]: string extends EventFromLogic<Machine>["type"]
    ? unknown
    : [Named<EventFromLogic<Machine>, Type>] extends [never]
      ? "not among the events of the machine's types"
      : [MachineEvents<Pick<Events, Type>>] extends [Named<EventFromLogic<Machine>, Type>]
        ? unknown
        : "its fields are not the data that the machine's types say";
};

/** What is wrong where a machine's types want another input than it is given. */
type Fed<Machine extends AnyStateMachine> =
  { readonly id: string } extends InputFrom<Machine>
    ? unknown
    : "its input is { id }, not what the machine's types say";

type Named<Event, Type extends string> = Event extends { type: infer Types }
  ? Type extends Types
    ? Event
    : never
  : never;

/** An actor type, as its author writes it. */
export interface Definition<
  Name extends string,
  Events extends Fields,
  Machine extends AnyStateMachine,
  Decisions extends Fields | undefined,
  IdField extends string,
  Withdrawn extends string,
  Order extends Ordering,
> extends Omit<ContractDefinition<Name, Events, Decisions, IdField, Withdrawn>, "events">,
    Pick<ActorType, "graceMs" | "aheadMs" | "latenessMs" | "maxFacts" | "maxDelays"> {
  /** The fields of each event type, without the envelope (`eventType`, `timestamp`, the id). */
  readonly events: Events & NoInfer<HeardBy<Machine, Events>>;
  /** {@link ActorType.ordering} */
  readonly ordering?: Order;
  /** Any XState v5 machine: it hears {@link MachineEvents}, and its input is `{ id }`. */
  readonly machine: Machine & NoInfer<Fed<Machine>>;
  /**
   * What follows from what an actor is: `{ content }`, the decision, or null when nothing follows. Pure and cheap: it runs
   * after every event that did something. `basedOn` and `decidedAt` may be left out, but of a type that merges.
   */
  conclude(actor: Seen<Machine>): {
    readonly content: Content<Decisions, Withdrawn> | KeepLiterals<NoInfer<Withdrawn>> | null;
  } & GroundsIn<NoInfer<Order>>;
  /** Raise it when the machine's context or rules change. Absent: 1. */
  readonly version?: number;
  /** The innermost states by path, in the order a person would list them. Absent: as the machine has them. */
  readonly states?: readonly string[];
  /** 0 to 100. Absent: the share of the contract's event types that were heard. */
  completeness?(actor: Seen<Machine>): number;
  /** What is known, as queries show it. Absent: the context. */
  view?(actor: Seen<Machine>): Readonly<Record<string, unknown>>;
  /** Event types still missing, in the order a person would ask for them. Absent: those the machine could take next. */
  waitingFor?(actor: Seen<Machine>): readonly (keyof Events & string)[];
  /** Events that may come next, for the console to show what each would lead to. Absent: none. */
  samples?(actor: Seen<Machine>): readonly SampleEvent[];
  /** Seeded traffic and an independent model of the rules. Absent: `demo` and `simulate` make traffic from the contract. */
  readonly rehearsal?: Rehearsal;
}

/** An actor type with everything filled in, and what publishers, consumers and tests read off it. */
export interface DefinedActor<
  Name extends string = string,
  Events extends Fields = Fields,
  Machine extends AnyStateMachine = AnyStateMachine,
  Decisions extends Fields | undefined = Fields | undefined,
  IdField extends string = string,
  Withdrawn extends string = string,
> extends Omit<ActorType, keyof Contract>,
    Contract<Name, Events, Decisions, IdField, Withdrawn> {
  readonly machine: Machine;
}
