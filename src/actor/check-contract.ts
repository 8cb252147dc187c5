import { z } from "zod";
import type { ActorType } from "./actor-type.ts";

/** Schemas whose output is nothing JSON has. */
const NOT_JSON = ["bigint", "date", "file", "function", "map", "nan", "promise", "set", "symbol", "undefined", "void"];

/** What every event has as text, which its contract is shown, too. */
const TEXTS = ["eventType", "eventId", "timestamp", "correlationId"];
/** Schemas that take no text. */
const NO_TEXT = ["array", "boolean", "int", "number", "object", "record", "tuple"];

/** The parts of a zod definition that are looked at. */
interface Definition {
  readonly type: string;
  /** It makes what it wants of what it is given. */
  readonly coerce?: boolean;
  /** Of a transform. */
  readonly transform?: unknown;
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
        const definition = zodSchema._zod.def as Definition;
        const whys = [problemOf(definition), ...(path.length === 2 ? [clashOf(definition, path[1], idField)] : [])];
        const at = `event type ${[eventType, ...fieldsOf(path)].join(".")}`;
        problems.push(...whys.filter((why) => why !== undefined).map((why) => `${at} ${why}`));
      },
    });
    yield* problems;
  }
}

function problemOf({ type, transform, checks = [] }: Definition): string | undefined {
  if (NOT_JSON.includes(type)) return `is a ${type}, which JSON does not keep`;
  if ([transform, ...checks.map(({ _zod }) => _zod.def.fn)].some(isAsync))
    return "is checked asynchronously: an event is read at once";
  return undefined;
}

/** A field of the contract's own may be one that every event has; then it has to take what that is. */
function clashOf({ type, coerce }: Definition, field: unknown, idField: string): string | undefined {
  if (![...TEXTS, idField].includes(String(field)) || coerce === true || !NO_TEXT.includes(type)) return undefined;
  return `is of type ${type}: every event has a field of that name, which is text`;
}

/** Of `properties.cart.items.properties.price`, `cart` and `price`. */
function fieldsOf(path: readonly (string | number)[]): (string | number)[] {
  return path.filter((_, index) => path[index - 1] === "properties");
}

/** Also of actions and rules: nobody waits for what they promise, and one that fails would end the process. */
export function isAsync(code: unknown): boolean {
  return typeof code === "function" && code.constructor.name === "AsyncFunction";
}
