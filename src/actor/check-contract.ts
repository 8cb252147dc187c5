import { z } from "zod";
import type { ActorType } from "./actor-type.ts";

/** Schemas whose output is nothing JSON has. */
const NOT_JSON = ["bigint", "date", "file", "function", "map", "nan", "promise", "set", "symbol", "undefined", "void"];

/** The parts of a zod definition that are looked at. */
interface Definition {
  readonly type: string;
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
export function* checkContract({ events }: ActorType): Generator<string> {
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
  }
}

function problemOf({ type, transform, checks = [] }: Definition): string | undefined {
  if (NOT_JSON.includes(type)) return `is a ${type}, which JSON does not keep`;
  if ([transform, ...checks.map(({ _zod }) => _zod.def.fn)].some(isAsync))
    return "is checked asynchronously: an event is read at once";
  return undefined;
}

/** Of `properties.cart.items.properties.price`, `cart` and `price`. */
function fieldsOf(path: readonly (string | number)[]): (string | number)[] {
  return path.filter((_, index) => path[index - 1] === "properties");
}

/** Also of actions and rules: nobody waits for what they promise, and one that fails would end the process. */
export function isAsync(code: unknown): boolean {
  return typeof code === "function" && code.constructor.name === "AsyncFunction";
}
