import type { z } from "zod";
import type { decisionEnvelope } from "../actor/decision.ts";
import type { Beside, Contract, Fields } from "../actor/define-contract.ts";

/** What publishers and consumers need to know of an actor type: a contract, or what `defineActor` gives. */
export interface EventContract extends Pick<Contract, "collection" | "idField" | "events" | "withdrawn"> {
  readonly decisions?: Fields | undefined;
}

/** An event as one writes it: `eventType` says which fields it has. */
export type EventOf<Actor extends EventContract> = {
  [Type in keyof Actor["events"]]: { readonly eventType: Type } & Id<Actor> & {
      /** Identity within the actor: the same id twice has one effect. Absent: a new UUID. */
      readonly eventId?: string | undefined;
      /** When it happened, RFC 3339 with a zone; decides which of two facts is newer. Absent: now. */
      readonly timestamp?: string | Date | undefined;
      /** Carried to the decisions it causes. */
      readonly correlationId?: string | undefined;
    } & Beside<Readonly<z.input<Actor["events"][Type]>>>;
}[keyof Actor["events"]];

/** A decision as published: `decisionType` says which fields it has, where the contract does. */
export type DecisionOf<Actor extends EventContract> = Actor["decisions"] extends infer Decisions extends Fields
  ? { [Type in keyof Decisions]: Decided<Actor, Type, z.output<Decisions[Type]>> }[keyof Decisions]
  : Decided<Actor, string, Record<string, unknown>>;

type Decided<Actor extends EventContract, Type, Content> = { readonly decisionType: Type } & Id<Actor> &
  Readonly<z.output<typeof decisionEnvelope>> &
  Beside<Readonly<Content>>;

/** Nothing where the field's name is not known: any field may be it. */
type Id<Actor extends EventContract> = string extends Actor["idField"]
  ? unknown
  : { readonly [Field in Actor["idField"]]: string };
