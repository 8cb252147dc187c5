import type { z } from "zod";
import type { decisionEnvelope } from "../wire/envelope.ts";

type Fields = Readonly<Record<string, z.ZodType<Record<string, unknown>>>>;

/** What publishers and consumers need to know of an actor type; a part of `ActorType`, with its literal types kept. */
export interface EventContract {
  /** First token of its subjects. */
  readonly collection: string;
  readonly idField: string;
  readonly events: Fields;
  readonly decisions: Fields;
  /** The decision type that says a standing decision no longer follows. */
  readonly withdrawn: string;
}

/** An event as one writes it: `eventType` says which fields it has. */
export type EventOf<Contract extends EventContract> = {
  [Type in keyof Contract["events"]]: { readonly eventType: Type } & Id<Contract> & {
      /** Identity within the actor: the same id twice has one effect. Absent: a new UUID. */
      readonly eventId?: string;
      /** When it happened, RFC 3339 with a zone; decides which of two facts is newer. Absent: now. */
      readonly timestamp?: string | Date;
      /** Carried to the decisions it causes. */
      readonly correlationId?: string;
    } & Readonly<z.input<Contract["events"][Type]>>;
}[keyof Contract["events"]];

/** A decision as published: `decisionType` says which fields it has. */
export type DecisionOf<Contract extends EventContract> = {
  [Type in keyof Contract["decisions"]]: { readonly decisionType: Type } & Id<Contract> &
    Readonly<z.output<typeof decisionEnvelope>> &
    Readonly<z.output<Contract["decisions"][Type]>>;
}[keyof Contract["decisions"]];

type Id<Contract extends EventContract> = { readonly [Field in Contract["idField"]]: string };
