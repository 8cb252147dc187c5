import { createHash } from "node:crypto";
import type { ActorType } from "../actor/actor-type.ts";
import { describeType } from "./type-description.ts";

/** What of a type is code, beside its machine. */
const RULES = ["conclude", "completeness", "view", "waitingFor"] as const satisfies readonly (keyof ActorType)[];
const DIGITS = 16;

/**
 * Tells two types of one name and version apart: of its contract, its machine and the text of its rules.
 *
 * What a rule calls from elsewhere is not seen, and the same rules read otherwise once they were compiled: equal ones
 * are most likely the same, different ones may be.
 *
 * @returns 16 hexadecimal digits.
 */
export function fingerprintOf(type: ActorType): string {
  const { machine } = type;
  const rules = RULES.map((rule) => type[rule]);
  const parts = [describeType(type), machine.config, machine.implementations, rules];
  return createHash("sha256").update(textOf(parts, [])).digest("hex").slice(0, DIGITS);
}

/** As JSON, with the text of functions and what they carry: XState keeps what is assigned as a property of one. */
function textOf(value: unknown, within: readonly unknown[]): string {
  if (typeof value !== "function" && (typeof value !== "object" || value === null)) return JSON.stringify(value) ?? "";
  if (within.includes(value)) return "…";
  const inside = [...within, value];
  const text = typeof value === "function" ? JSON.stringify(value.toString()) : "";
  if (Array.isArray(value)) return `[${value.map((each) => textOf(each, inside)).join()}]`;
  const fields = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return `${text}{${fields.map(([name, field]) => `${JSON.stringify(name)}:${textOf(field, inside)}`).join()}}`;
}
