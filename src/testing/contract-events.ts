import { type GenerateSyncOptions, generateSync, type JsonSchema } from "json-schema-faker";
import { z } from "zod";
import { showToRules } from "../actor/actor-snapshot.ts";
import type { ActorType } from "../actor/actor-type.ts";
import { createBoundedActor } from "../actor/bounded-actor.ts";
import { nodesOf } from "../actor/state-text.ts";

/** Values of an event that an actor type's contract takes. */
interface Made {
  /** What a publisher could send as its fields. */
  readonly fields: Readonly<Record<string, unknown>>;
  /** What the contract makes of them. */
  readonly data: Readonly<Record<string, unknown>>;
}

/** For the same variant of an event type always the same. */
export type MakeEvent = (eventType: string, variant: number) => Made;

/** Values that are tried before a contract is taken for one that cannot be guessed. */
const ATTEMPTS = 50;

/** Of texts and lists, so that a story of them can be read. */
const SMALL = { maxItems: 3, maxLength: 12 };

/** A contract that takes nothing that is made from its schema. */
export class ContractError extends Error {
  override readonly name = "ContractError";
}

/** @throws ContractError, on use, with the event type's name, when its schema leads to nothing it takes. */
export function createContractEvents(type: ActorType): MakeEvent {
  const schemas = new Map(Object.entries(type.events).map(([eventType, contract]) => [eventType, schemaOf(contract)]));
  const made = new Map<string, Made>();
  return (eventType, variant) => {
    const key = `${eventType}/${variant}`;
    const known = made.get(key) ?? makeFields(type, eventType, schemas.get(eventType) ?? {}, variant);
    made.set(key, known);
    return known;
  };
}

function makeFields(type: ActorType, eventType: string, schema: JsonSchema, variant: number): Made {
  const contract = type.events[eventType];
  let problem = "it is none of the contract's";
  for (let attempt = 0; attempt < ATTEMPTS && contract !== undefined; attempt++) {
    // Small at first; a contract may want more.
    const seed = variant * ATTEMPTS + attempt;
    const fields = attempt < ATTEMPTS / 2 ? short(generate(schema, { seed, ...SMALL })) : generate(schema, { seed });
    const read = contract.safeParse(fields);
    if (read.success) return { fields: fields as Made["fields"], data: read.data };
    const [issue] = read.error.issues;
    problem = `${issue?.path.join(".")}: ${issue?.message}`;
  }
  const samples = samplesOf(type).filter((sample) => sample.type === eventType);
  const sample = samples[variant % samples.length];
  if (sample !== undefined) return { fields: sample.data, data: sample.data };
  throw new ContractError(
    `actor type ${type.name}: no value of event type ${eventType} could be made that its contract takes (${problem}): give samples of it`,
  );
}

/** Without the bounds of a safe integer, so that numbers are such as a person reads. */
function schemaOf(contract: z.ZodType): JsonSchema {
  return z.toJSONSchema(contract, {
    io: "input",
    unrepresentable: "any",
    override({ jsonSchema }) {
      if (jsonSchema.maximum === Number.MAX_SAFE_INTEGER) delete jsonSchema.maximum;
      if (jsonSchema.minimum === Number.MIN_SAFE_INTEGER) delete jsonSchema.minimum;
    },
  }) as JsonSchema;
}

/** With numbers of two decimals, as amounts are. */
function short(value: unknown): unknown {
  if (value === undefined) return undefined;
  return JSON.parse(JSON.stringify(value), (_, part: unknown) =>
    typeof part === "number" ? Math.round(part * 100) / 100 : part,
  );
}

/** What it does not understand is as wrong as what the contract refuses. */
function generate(schema: JsonSchema, options: GenerateSyncOptions): unknown {
  try {
    return generateSync(schema, options);
  } catch {
    return undefined;
  }
}

function samplesOf(type: ActorType) {
  const start = createBoundedActor(type.machine, { input: { id: `some-${type.name}` } }).getSnapshot();
  return type.samples?.(showToRules(start)) ?? [];
}

/** Times between two events, ms: at once, a while, and around each delay of the machine. */
export function gapsOf({ machine }: ActorType): number[] {
  const delays = [...nodesOf(machine.root)].flatMap(({ after }) => after.map(({ delay }) => delay));
  const known = machine.implementations.delays as Readonly<Record<string, unknown>>;
  const lengths = delays.map((delay) => (typeof delay === "string" ? known[delay] : delay));
  const fixed = lengths.filter((length): length is number => typeof length === "number");
  return [1000, 0, 60_000, ...fixed.flatMap((length) => [length, length + 1, length / 2])];
}
