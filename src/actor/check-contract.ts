import { z } from "zod";
import type { ActorType } from "./actor-type.ts";

/** Schemas whose output is nothing JSON has. */
const NOT_JSON = ["bigint", "date", "file", "function", "map", "nan", "promise", "set", "symbol", "undefined", "void"];

/** What every event has as text, which its contract is shown, too. */
const TEXTS = ["eventType", "timestamp"];
/** The same where an event has them in itself: in a header, or in an envelope, its contract is shown none. */
const TEXTS_IF_ANY = ["eventId", "correlationId"];
/** Schemas that take no text. */
const NO_TEXT = ["array", "boolean", "int", "number", "object", "record", "tuple"];
/** Schemas that take what the one in them takes, and nothing or null besides. */
const AROUND = ["default", "nonoptional", "nullable", "optional", "prefault", "readonly"];

/** The parts of a zod definition that are looked at. */
interface Definition {
  readonly type: string;
  /** It makes what it wants of what it is given. */
  readonly coerce?: boolean;
  /** Of a transform. */
  readonly transform?: unknown;
  /** Of an object. */
  readonly shape?: Readonly<Record<string, z.core.$ZodType>>;
  /** Of one of {@link AROUND}. */
  readonly innerType?: z.core.$ZodType;
  /** Of `refine` and its like. */
  readonly checks?: readonly { readonly _zod: { readonly def: { readonly fn?: unknown } } }[];
}

/**
 * What can be seen of the contract's events before there is one. What they make of an event is kept as JSON, so a
 * contract may transform, but only into what JSON has, and at once.
 *
 * @returns what is wrong, a line each.
 */
export function* checkContract({ events, idField }: ActorType): Generator<string> {
  for (const [eventType, contract] of Object.entries(events)) {
    const problems: string[] = [];
    // zod's own walk over a schema, lazy and recursive ones included.
    z.toJSONSchema(contract, {
      io: "output",
      unrepresentable: "any",
      override({ zodSchema, path }) {
        const why = problemOf(zodSchema._zod.def as Definition);
        if (why !== undefined) problems.push(`event type ${[eventType, ...fieldsOf(path)].join(".")} ${why}`);
      },
    });
    yield* problems;
    yield* clashesOf(contract, idField).map((problem) => `event type ${eventType}.${problem}`);
  }
}

function problemOf({ type, transform, checks = [] }: Definition): string | undefined {
  if (NOT_JSON.includes(type)) return `is a ${type}, which JSON does not keep`;
  if ([transform, ...checks.map(({ _zod }) => _zod.def.fn)].some(isAsync))
    return "is checked asynchronously: an event is read at once";
  return undefined;
}

/** A field of the contract's own may be one that every event has; then it has to take what that is. */
function clashesOf(contract: z.core.$ZodType, idField: string): string[] {
  const { shape = {} } = contract._zod.def as Definition;
  return Object.entries(shape).flatMap(([field, schema]) => {
    const isShown = TEXTS.includes(field) || ([...TEXTS_IF_ANY, idField].includes(field) && !takesNothing(schema));
    const taken = isShown ? typeThatTakesNoText(schema) : undefined;
    return taken === undefined
      ? []
      : [`${field} is of type ${taken}: every event has a field of that name, which is text`];
  });
}

function takesNothing({ _zod }: z.core.$ZodType): boolean {
  return _zod.optin !== undefined;
}

/** One that makes something of what it is given takes it by other ways: `coerce`, `preprocess`, a codec, `catch`. */
function typeThatTakesNoText(schema: z.core.$ZodType): string | undefined {
  const { type, coerce, innerType } = schema._zod.def as Definition;
  if (innerType !== undefined && AROUND.includes(type)) return typeThatTakesNoText(innerType);
  return coerce !== true && NO_TEXT.includes(type) ? type : undefined;
}

/** Of `properties.cart.items.properties.price`, `cart` and `price`. */
function fieldsOf(path: readonly (string | number)[]): (string | number)[] {
  return path.filter((_, index) => path[index - 1] === "properties");
}

/** Also of actions and rules: nobody waits for what they promise, and one that fails would end the process. */
export function isAsync(code: unknown): boolean {
  return typeof code === "function" && code.constructor.name === "AsyncFunction";
}
