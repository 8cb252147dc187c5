import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { expect, test } from "vitest";
import { type AnyMachineSnapshot, type AnyStateMachine, createMachine, initialTransition, transition } from "xstate";
import { orderMachine } from "../../machines/order/machine.ts";
import { outlineMachine } from "../../src/charts/outline.ts";

const root = join(import.meta.dirname, "../..");

function exportAs(format: string): string {
  const args = ["src/cli.ts", "machine", "export", "--format", format];
  return execFileSync(process.execPath, args, { cwd: root, encoding: "utf8" });
}

/** Older and newer reports of every kind, so that each can be overruled by a later one in each direction. */
const events = [
  ...["failed", "successful", "pending", "successful", "failed"].map((status, n) =>
    event("PaymentProcessed", n, { status }),
  ),
  ...[1, 0, 1].map((quantity, n) =>
    event("InventoryReserved", n, { reservedItems: quantity === 0 ? {} : { sku: quantity }, warehouseId: "west" }),
  ),
  event("OrderCreated", 2, { customerId: "late" }),
  event("OrderCreated", 1, { customerId: "early" }),
  event("ShippingCalculated", 1, { estimatedDays: 2 }),
  event("LoyaltyPointsUpdated", 1, { totalPoints: 1 }),
];

function event(type: string, second: number, data: object) {
  return { type, eventId: `${type}-${second}`, timestamp: `2026-01-01T00:00:0${second}.000Z`, data };
}

/**
 * Every situation the events can lead to, with the situation each event leads on to. Two machines with the same answer
 * go the same way on every path, however long.
 */
function walk(machine: AnyStateMachine): Map<string, string[]> {
  const ways = new Map<string, string[]>();
  const open = [initialTransition(machine)[0]];
  for (let snapshot = open.pop(); snapshot !== undefined; snapshot = open.pop()) {
    const situation = describe(snapshot);
    if (ways.has(situation)) continue;
    const next = events.map((heard) => transition(machine, snapshot, heard)[0]);
    ways.set(situation, next.map(describe));
    open.push(...next);
  }
  return ways;
}

/** State and facets, in whatever order they were learnt. */
function describe({ value, context }: AnyMachineSnapshot): string {
  return `${value} ${JSON.stringify(Object.entries(context).sort(([a], [b]) => (a < b ? -1 : 1)))}`;
}

test("the exported JSON, read by createMachine, goes every way the machine goes, and none it does not", () => {
  const imported = createMachine(JSON.parse(exportAs("json"))).provide(
    // An export names its guards and actions; what they do is code.
    orderMachine.implementations as Parameters<AnyStateMachine["provide"]>[0],
  );
  expect(imported.config).toEqual(orderMachine.config);
  const [copy, original] = [walk(imported), walk(orderMachine)];
  expect(copy).toEqual(original);

  // Every payment, reservation and creation that can stand, or none; with and without shipping and loyalty.
  expect(original.size).toBe(6 * 4 * 3 * 2 * 2);
  const stateOf = (situation: string) => situation.split(" ", 1)[0];
  const taken = [...original].flatMap(([from, next]) => next.map((to) => `${stateOf(from)} -> ${stateOf(to)}`));
  for (const [state, { always }] of Object.entries(orderMachine.config.states ?? {})) {
    for (const { target } of always as readonly { target: string }[]) expect(taken).toContain(`${state} -> ${target}`);
  }
});

test("in words: every state, where it goes and why", () => {
  const text = exportAs("text");
  expect(text).toBe(outlineMachine(orderMachine));
  expect(text).toMatch(/^machine order: One order, assembled/);
  expect(text).toContain("\nin every state\n  OrderCreated: The customer placed the order.");
  expect(text).toContain("\npending (initial): Something was observed");
  expect(text).toContain("\n  always [isConfirmed] -> confirmed: Paid and reserved, creation not needed.\n");
});

test("in words: nested, parallel, history and final states stand below their parents, delays in words", () => {
  const machine = createMachine({
    id: "n",
    initial: "a",
    on: { CANCEL: ".z" },
    states: {
      a: {
        initial: "x",
        states: {
          x: { on: { GO: { target: "y", guard: "mayGo" } }, after: { 1800000: "y", patience: "y" } },
          y: { type: "final" },
          again: { type: "history", history: "deep" },
        },
        onDone: "z",
      },
      p: { type: "parallel", states: { r: { on: { PING: { actions: "pong" } } } } },
      z: { type: "final", description: "Over." },
    },
  }).provide({ delays: { patience: 90_000 } });
  expect(outlineMachine(machine)).toBe(`machine n

in every state
  CANCEL -> z

a (initial, compound)
  done -> z
  x (initial)
    GO [mayGo] -> a.y
    after 30 min -> a.y
    after patience (90 s) -> a.y
  y (final)
  again (history, deep)

p (parallel)
  r
    PING

z (final): Over.
`);
});
