import { cpSync, mkdtempSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, it } from "vitest";
import { createMachine } from "xstate";
import { z } from "zod";
import { checkActorTypes } from "../../src/actor/check-actor-types.ts";
import { defineActor } from "../../src/natstate.ts";

const dir = mkdtempSync(join(tmpdir(), "natstate-copies-"));
afterAll(() => rmSync(dir, { recursive: true }));

/** Really another one: its classes are not ours. */
function copyOf<Module>(name: string): Module {
  cpSync(join(import.meta.dirname, "../../node_modules", name), join(dir, "node_modules", name), { recursive: true });
  return createRequire(join(dir, "here.js"))(name) as Module;
}

const config = { id: "lamp", initial: "dark", states: { dark: { on: { LampLit: "dark" } } } } as const;
const events = { LampLit: z.object({}) };
const machine = createMachine(config);
const conclude = () => ({ content: null });
const lamp = { name: "lamp", events, machine, conclude };

it("a machine of a second copy of xstate is refused by name, and it is said what to do", () => {
  const other = copyOf<typeof import("xstate")>("xstate").createMachine(config);
  const told = /"lamp": its machine is made with another copy of xstate than natstate's: .*npm ls xstate.*npm dedupe/;
  expect(() => defineActor({ ...lamp, machine: other })).toThrow(told);
  const [only, ...more] = checkActorTypes([{ ...defineActor(lamp), machine: other }]);
  expect([only, more]).toEqual([expect.stringMatching(told), []]);
});

it("a schema of another zod is, too; a second copy of the same one does no harm", () => {
  const other = copyOf<typeof import("zod")>("zod").z.object({ watts: z.number() });
  expect(other._zod.constr).not.toBe(events.LampLit._zod.constr);
  expect(checkActorTypes([defineActor({ ...lamp, events: { LampLit: other } })])).toEqual([]);
  const older = { ...other, _zod: { ...other._zod, version: { major: 4, minor: 0, patch: 1 } } };
  const told = /LampLit is made with zod 4\.0\.1, natstate's is .*npm ls zod.*npm dedupe/;
  expect(() => defineActor({ ...lamp, events: { LampLit: older as never } })).toThrow(told);
  expect(() => defineActor({ ...lamp, events: { LampLit: { parse() {} } as never } })).toThrow(/no schema of zod 4/);
});

it("what is no machine is said so", () => {
  expect(() => defineActor({ ...lamp, machine: config as unknown as typeof machine })).toThrow(/machine is none/);
});
