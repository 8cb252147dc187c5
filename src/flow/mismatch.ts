import type { z } from "zod";
import type { ActorType } from "../actor/actor-type.ts";

type Issue = z.core.$ZodIssue;
type Contract = ActorType["events"][string];

/** What a kind of value is called, where zod names it by its code. */
const EXPECTED: Readonly<Record<string, string>> = {
  string: "text",
  number: "a number",
  int: "a whole number",
  boolean: "true or false",
  array: "an array",
  object: "an object",
  record: "an object",
};

/** What is wrong with one value: its name, what was expected and what kind of thing is there; never the value. */
export function mismatch(name: string, expected: string, value: unknown): string {
  return `${name}: expected ${expected}, found ${kindOf(value)}`;
}

/**
 * Says what a contract has against an event.
 *
 * @param issue - the first that it found.
 */
export function explainIssue(contract: Contract, fields: object, issue: Issue | undefined): string {
  if (issue === undefined) return "event: not as the contract says";
  const value = valueAt(fields, issue.path);
  const name = issue.path.join(".") || "event";
  const error = mismatch(name, expectedBy(issue), value);
  return value === null && isOptional(contract, fields, issue.path)
    ? `${error}; leave it out when it is not known`
    : error;
}

function expectedBy(issue: Issue): string {
  if (issue.code === "invalid_type") return EXPECTED[issue.expected] ?? issue.expected;
  if (issue.code === "invalid_value") return `one of ${issue.values.map(String).join(", ")}`;
  // Such as "Too small: expected number to be >=0", or what a contract says itself.
  const [, expected = issue.message] = /expected (.*)$/s.exec(issue.message) ?? [];
  return expected;
}

function valueAt(fields: object, path: Issue["path"]): unknown {
  let value: unknown = fields;
  for (const key of path) {
    if (typeof value !== "object" || value === null || !Object.hasOwn(value, key)) return undefined;
    value = (value as Record<PropertyKey, unknown>)[key];
  }
  return value;
}

/** Does the contract have nothing against the absence of a field? */
function isOptional(contract: Contract, fields: object, path: Issue["path"]): boolean {
  const without = structuredClone(fields);
  const parent = valueAt(without, path.slice(0, -1)) as Record<PropertyKey, unknown>;
  delete parent[path.at(-1) ?? ""];
  const place = path.join(".");
  return !contract.safeParse(without).error?.issues.some((issue) => issue.path.join(".") === place);
}

function kindOf(value: unknown): string {
  if (value === undefined) return "nothing";
  if (value === null) return "null";
  if (value === "") return "empty text";
  if (Array.isArray(value)) return "an array";
  switch (typeof value) {
    case "string":
      return value.length > 256 ? `text of ${value.length} characters` : "text";
    case "number":
      return Number.isFinite(value) ? (Number.isInteger(value) ? "a number" : "a fraction") : "a number too large";
    case "boolean":
      return "true or false";
    default:
      return "an object";
  }
}
