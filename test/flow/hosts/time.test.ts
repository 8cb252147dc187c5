import { expect, it } from "vitest";
import { assign, cancel, createMachine, raise } from "xstate";
import type { Timeline } from "../../../src/flow/hosts/timeline.ts";
import { nextDue, waitsOf } from "../../../src/flow/hosts/waits.ts";
import { at, fact, Hosted, ORDER } from "./things.ts";

/* What time does to an actor. Each test says: time ... */

it("lets a payment at the very deadline be in time", () => {
  const actor = new Hosted(ORDER);
  actor.hear(fact("Create", 0), fact("Pay", 30));
  expect(actor.value).toBe("paid");
  actor.hear(fact("Create", 0, {}, "2"));
  expect(new Hosted(ORDER).hear(fact("Create", 0), fact("Pay", at(30, "000000001"))).kind).toBe("unhandled");
});

it("undoes an expiry when a payment is heard that was made before it", () => {
  const actor = new Hosted(ORDER);
  actor.hear(fact("Create", 0));
  actor.pass(7200);
  expect(actor.value).toBe("expired");
  expect(actor.snapshot.context.expiredAt).toBe(at(30));
  expect(actor.hear(fact("Pay", 29))).toEqual({ kind: "applied", replayed: 0 });
  expect(actor.value).toBe("paid");
});

it("lets a payment at the deadline undo the expiry that a tick of that very time has caused", () => {
  const actor = new Hosted(ORDER);
  actor.hear(fact("Create", 0));
  expect(actor.pass(30).value).toBe("expired");
  actor.hear(fact("Pay", 30));
  expect(actor.value).toBe("paid");
});

it("begins with the earliest fact, even one nobody handles", () => {
  const actor = new Hosted(ORDER);
  actor.hear(fact("Unknown", 20));
  expect(actor.due).toEqual([at(50)]);
  actor.hear(fact("Unknown", 5, {}, "earlier"));
  expect(actor.due).toEqual([at(35)]);
});

it("takes each delayed raise without an id for a timer of its own, and cancels by id the latest only", () => {
  const machine = createMachine({
    context: { heard: [] as string[] },
    entry: [
      raise({ type: "L" }, { delay: 1000 }),
      raise({ type: "L" }, { delay: 1000 }),
      raise({ type: "M" }, { delay: 2000, id: "t" }),
      raise({ type: "M" }, { delay: 3000, id: "t" }),
      cancel("t"),
    ],
    on: { "*": { actions: assign({ heard: ({ context, event }) => [...context.heard, event.type] }) } },
  });
  const actor = new Hosted(machine);
  actor.hear(fact("A", 0));
  expect(actor.due).toEqual([at(1), at(1), at(2)]);
  expect(actor.pass(60).snapshot.context.heard).toEqual(["A", "L", "L", "M"]);
});

it("re-arms the delay of a state that is entered again, though nothing else changes", () => {
  const machine = createMachine({
    initial: "beating",
    states: { beating: { on: { Beat: { target: "beating", reenter: true } }, after: { 90000: "lost" } }, lost: {} },
  });
  const actor = new Hosted(machine);
  expect(actor.hear(fact("Beat", 0), fact("Beat", 60, {}, "2"))).toEqual({ kind: "applied", replayed: 0 });
  expect(actor.due).toEqual([at(150)]);
});

it("ends with the machine: nothing waits, nothing is handled", () => {
  const machine = createMachine({
    initial: "open",
    output: { is: "closed" },
    on: { Late: ".open" },
    states: {
      open: { on: { Close: "closed" } },
      closed: { type: "final", exit: raise({ type: "L" }, { delay: 5 }) },
    },
  });
  const actor = new Hosted(machine);
  actor.hear(fact("Close", 1));
  expect([actor.snapshot.status, actor.snapshot.output, actor.due]).toEqual(["done", { is: "closed" }, []]);
  expect(actor.hear(fact("Late", 2))).toEqual({ kind: "unhandled", replayed: 0 });
  expect(actor.value).toBe("closed");
});

it("is waited for by path, the earliest first", () => {
  const machine = createMachine({
    id: "m",
    initial: "review",
    after: { 9000: {} },
    states: {
      review: {
        initial: "documents",
        states: { documents: { after: { 2000: {} }, entry: raise({ type: "L" }, { delay: 5000 }) } },
      },
    },
  });
  const actor = new Hosted(machine);
  actor.hear(fact("A", 0));
  const timeline = actor.timeline as Timeline;
  expect(nextDue(timeline)).toBe(at(2));
  expect(waitsOf(machine, timeline)).toEqual([
    { path: "review.documents", at: at(2) },
    { path: "L", at: at(5) },
    { path: "m", at: at(9) },
  ]);
  expect(nextDue(actor.pass(10).timeline as Timeline)).toBeNull();
});
