import { z } from "zod";

/** Fields of event types or decision types, by name. */
export type Fields = Readonly<Record<string, z.ZodType<Record<string, unknown>>>>;

/** What a schema without fields leaves to those beside it: zod says that there is nothing at all. */
export type Beside<Own> = [Own] extends [Record<string, never>] ? unknown : Own;

type CamelCase<Text extends string> = Text extends `${infer First}-${infer Rest}`
  ? `${First}${Capitalize<CamelCase<Rest>>}`
  : Text;

/** The field that carries an actor's id: `insuranceClaimId` of `insurance-claim`. */
export type DefaultIdField<Name extends string> = `${CamelCase<Name>}Id`;

/** The decision type that takes a decision back: `InsuranceClaimDecisionWithdrawn` of `insurance-claim`. */
export type DefaultWithdrawn<Name extends string> = `${Capitalize<CamelCase<Name>>}DecisionWithdrawn`;

/** Of a decision that withdraws another. */
const NO_FIELDS = z.object({});

/** A contract as one writes it: the part of an actor type that has no machine. */
export interface ContractDefinition<
  Name extends string,
  Events extends Fields,
  Decisions extends Fields | undefined,
  IdField extends string,
  Withdrawn extends string,
> {
  /** Singular, lower-case letters, digits and hyphens: `claim`. */
  readonly name: Name;
  /** The fields of each event type, without the envelope (`eventType`, `timestamp`, the id). */
  readonly events: Events;
  /** The fields of each decision type. Absent: any decision types, with any fields. */
  readonly decisions?: Decisions;
  /** The decision type that says a standing decision no longer follows. Absent: `ClaimDecisionWithdrawn`. */
  readonly withdrawn?: Withdrawn | undefined;
  /** Plural; the first token of its subjects. Absent: `claims`. */
  readonly collection?: string | undefined;
  /** The field that carries the actor's id. Absent: `claimId`. */
  readonly idField?: IdField | undefined;
}

/** What publishers and consumers know of an actor type, and natstate with them. */
export interface Contract<
  Name extends string = string,
  Events extends Fields = Fields,
  Decisions extends Fields | undefined = Fields | undefined,
  IdField extends string = string,
  Withdrawn extends string = string,
> {
  readonly name: Name;
  /** First token of its subjects. */
  readonly collection: string;
  readonly idField: IdField;
  readonly events: Events;
  /** The withdrawing one among them. */
  readonly decisions: Decisions extends Fields
    ? Decisions & { readonly [Type in Withdrawn]: typeof NO_FIELDS }
    : undefined;
  readonly withdrawn: Withdrawn;
}

/**
 * Fills in what a contract leaves out. It may stand in a module of its own, which programs that publish and consume share
 * with the daemon: it needs no machine. `defineActor({ ...contract, machine, conclude })` makes it an actor type.
 */
export function defineContract<
  const Name extends string,
  Events extends Fields,
  Decisions extends Fields | undefined = undefined,
  const IdField extends string = DefaultIdField<Name>,
  const Withdrawn extends string = DefaultWithdrawn<Name>,
>(
  definition: ContractDefinition<Name, Events, Decisions, IdField, Withdrawn>,
): Contract<Name, Events, Decisions, IdField, Withdrawn> {
  const { name, events, decisions } = definition;
  const withdrawn: string = definition.withdrawn ?? withdrawnOf(name);
  const contract = {
    name,
    collection: definition.collection ?? collectionOf(name),
    idField: definition.idField ?? idFieldOf(name),
    events,
    decisions: decisions && { ...decisions, [withdrawn]: decisions[withdrawn] ?? NO_FIELDS },
    withdrawn,
  };
  return contract as unknown as Contract<Name, Events, Decisions, IdField, Withdrawn>;
}

/** @returns the plural of a name: `claims`, `boxes`, `deliveries`. English is not always so regular: `collection` says it. */
function collectionOf(name: string): string {
  if (/[^aeiou]y$/.test(name)) return `${name.slice(0, -1)}ies`;
  return /(s|x|z|ch|sh)$/.test(name) ? `${name}es` : `${name}s`;
}

function idFieldOf<Name extends string>(name: Name): DefaultIdField<Name> {
  return `${camelCase(name)}Id` as DefaultIdField<Name>;
}

function withdrawnOf<Name extends string>(name: Name): DefaultWithdrawn<Name> {
  const camel = camelCase(name);
  return `${camel.slice(0, 1).toUpperCase()}${camel.slice(1)}DecisionWithdrawn` as DefaultWithdrawn<Name>;
}

function camelCase(name: string): string {
  return name.replace(/-+(.?)/g, (_, letter: string) => letter.toUpperCase());
}
