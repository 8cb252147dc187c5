import { expect, it } from "vitest";
import { z } from "zod";
import examples from "../../examples/actors.ts";
import type { ActorType } from "../../src/actor/actor-type.ts";
import { exportMachine, MACHINE_FORMATS } from "../../src/charts/export.ts";
import { contractDocument, type JsonSchema } from "../../src/wire/json-schemas.ts";
import { describeType, type TypeDescription, typeOf } from "../../src/wire/type-description.ts";

const types = examples as readonly ActorType[];

/** As it comes over the wire. */
function heard(type: ActorType): ActorType {
  return typeOf(JSON.parse(JSON.stringify(describeType(type))) as TypeDescription);
}

it.each(types)("$name is looked at as those see it who have its code", (type) => {
  const told = heard(type);
  for (const field of ["name", "collection", "idField", "ordering", "states", "decisionTypes", "withdrawn"] as const) {
    expect(told[field], field).toEqual(type[field]);
  }
  expect(without(contractDocument(told))).toEqual(without(contractDocument(type)));
  for (const format of MACHINE_FORMATS) expect(exportMachine(told, format)).toBe(exportMachine(type, format));
});

it("its events are checked as far as JSON Schema goes, its rules are not there", () => {
  const [type] = types;
  const events = {
    Paid: z.object({ amount: z.number().positive(), by: z.enum(["card", "cash"]), note: z.string().optional() }),
  };
  const told = heard({ ...(type as ActorType), events });
  const check = (fields: object) => told.events.Paid?.safeParse(fields).success;
  expect(check({ amount: 1, by: "card", more: true })).toBe(true);
  expect(check({ amount: 0, by: "card" })).toBe(false);
  expect(check({ amount: 1, by: "cheque" })).toBe(false);
  expect(check({ amount: 1 })).toBe(false);
  expect(() => told.conclude({} as never)).toThrow(`the rules of ${type?.name} are its daemon's`);
});

it("what JSON Schema cannot say may be anything, and keeps nobody from the rest", () => {
  const [type] = types;
  const at = z.coerce.date().transform((date) => date.toISOString());
  const told = heard({ ...(type as ActorType), events: { Paid: z.object({ at, amount: z.number() }) } });
  expect(told.events.Paid?.safeParse({ at: "2026-01-01", amount: 1 }).success).toBe(true);
  expect(told.events.Paid?.safeParse({ at: "2026-01-01", amount: "1" }).success).toBe(false);
});

/** An object without fields of its own says so, or not. */
function without(schema: JsonSchema): unknown {
  const isEmpty = (value: unknown) => typeof value === "object" && value !== null && Object.keys(value).length === 0;
  return JSON.parse(
    JSON.stringify(schema, (key, value) => (key === "properties" && isEmpty(value) ? undefined : value)),
  );
}
