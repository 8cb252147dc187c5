import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { createActor, createMachine } from "xstate";
import { type OrderEvent, orderMachine } from "../../machines/order/machine.ts";
import { orderType } from "../../machines/order/order.ts";
import { actorTypes } from "../../machines/registry.ts";
import { created, lookAt, paid, permutations, reserved, rewarded, shipped } from "./order-driver.ts";

const root = join(import.meta.dirname, "../..");
const types = readdirSync(join(root, "machines"), { recursive: true, encoding: "utf8" });
/** What runs in other programs, beside the machine. */
const isClient = (name: string) => name.endsWith("/client.ts");
const files = [
  ...types.filter((name) => name.endsWith(".ts") && !isClient(name)).map((name) => `machines/${name}`),
  ...["merge.ts", "event-time.ts", "seeded-random.ts"].map((name) => `src/actor/${name}`),
];

describe.each(files)("%s", (name) => {
  const source = readFileSync(join(root, name), "utf8");
  const code = source.replace(/\/\*[\s\S]*?\*\/|(?<=^|\s)\/\/.*/g, "");

  test("imports only xstate, zod, its own room and what src/actor/ has for authors", () => {
    const imported = [...code.matchAll(/(?:\bfrom|\bimport)\s*\(?\s*["'`]([^"'`]+)["'`]/g)].map(([, target]) => target);
    const foreign = imported.filter((target = "") => target !== "xstate" && target !== "zod" && leaves(name, target));
    expect(foreign).toEqual([]);
  });

  test("knows no clock, no chance and no outside world", () => {
    const impure =
      /\bDate\.now\b|\bnew Date\(\s*\)|\bDate\(\s*\)|\bMath\.random\b|\bcrypto\b|\bperformance\b|\bprocess\b|\bfetch\b|\bset(?:Timeout|Interval|Immediate)\b|\brequire\b|\bglobalThis\b|\bconsole\b|\basync\b|\bawait\b|\bPromise\b/;
    expect(code.match(impure)?.[0]).toBeUndefined();
  });
});

test.each([
  ["machines/order/reference.ts", ["import type"]],
  ["test/wire/contract.ts", ["node:crypto", "./order-fields.ts", "./refusal.ts"]],
  ["test/wire/order-fields.ts", ["./refusal.ts"]],
  ["test/wire/refusal.ts", []],
])("%s, an independent model, shares no code with what it checks", (name, allowed) => {
  const source = readFileSync(join(root, name), "utf8");
  const imports = source.match(/^import [^;]*;$/gms) ?? [];
  expect(imports.map((line) => (line.startsWith("import type") ? "import type" : /"(.*)"/.exec(line)?.[1]))).toEqual(
    allowed,
  );
});

describe("the order's machine", () => {
  const literal = JSON.parse(JSON.stringify(orderMachine.config));

  test("is a literal: nothing in it is lost in JSON, so that Stately Studio can open it", () => {
    expect(literal).toEqual(orderMachine.config);
  });

  test("rebuilt from its JSON with the same implementations behaves the same", () => {
    const rebuilt = createMachine(literal, orderMachine.implementations as object);
    const events = [created(0), paid(1, "failed"), paid(2, "successful"), reserved(3), shipped(4, 3)];
    for (const arrival of permutations(events)) {
      const [original, copy] = [createActor(orderMachine).start(), createActor(rebuilt).start()];
      for (const event of arrival) {
        original.send(event);
        copy.send(event);
        expect(JSON.stringify(copy.getPersistedSnapshot())).toBe(JSON.stringify(original.getPersistedSnapshot()));
      }
    }
  });

  test("has no timers, no children and no actions but those that merge a facet", () => {
    const keys = new Set(deepKeys(literal));
    for (const impure of ["after", "invoke", "entry", "exit", "spawn", "history"]) expect(keys).not.toContain(impure);
    expect(Object.keys(orderMachine.implementations.actions)).toHaveLength(5);
  });

  test("describes itself, every state, every event and every transition", () => {
    const { description, on, states } = literal;
    const described = [{ description }, ...Object.values(on), ...Object.values(states)] as Described[];
    const transitions = described.flatMap(({ always = [] }) => always);
    expect(transitions).toHaveLength(11);
    for (const part of [...described, ...transitions]) expect(part.description).toMatch(/^[A-Z].+\.$/);
  });

  test("does nothing for an event it does not know", () => {
    const actor = createActor(orderMachine).start();
    const before = actor.getSnapshot();
    actor.send({ type: "OrderTeleported" } as unknown as OrderEvent);
    expect(actor.getSnapshot()).toBe(before);
  });
});

describe("the order's type", () => {
  test("is registered, and names the machine's own states and events", () => {
    expect(actorTypes).toContain(orderType);
    expect([...orderType.states].sort()).toEqual(Object.keys(orderMachine.states).sort());
    expect(Object.keys(orderType.events).sort()).toEqual([...orderMachine.events].sort());
    expect(orderType.decisionTypes).toContain(orderType.withdrawn);
  });

  test("waits for event types of its contract", () => {
    expect([...orderType.waitingFor(orderThatHeard())].sort()).toEqual(Object.keys(orderType.events).sort());
    expect(orderType.waitingFor(orderThatHeard(rewarded(1)))).not.toContain("LoyaltyPointsUpdated");
  });
});

interface Described {
  description?: string;
  always?: Described[];
}

/** Does an import in machines/`name` point outside machines/? */
function leaves(name: string, target: string): boolean {
  const path = join(root, name, "..", target);
  return !target.startsWith(".") || !["machines/", "src/actor/"].some((room) => path.startsWith(join(root, room)));
}

function deepKeys(value: unknown): string[] {
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) => [key, ...deepKeys(inner)]);
}

function orderThatHeard(...events: OrderEvent[]) {
  const actor = createActor(orderMachine).start();
  for (const event of events) actor.send(event);
  return lookAt(actor);
}
