import { expect, test } from "vitest";
import { createMachine } from "xstate";
import { orderMachine } from "../../machines/order/machine.ts";
import { drawMachine } from "../../src/charts/diagram.ts";

/*
 * What is expected here was once read by Mermaid 11 itself: every state stands in its parent, every arrow where it
 * belongs.
 */

test("the order's diagram has every state, every guard and every description", () => {
  const diagram = drawMachine(orderMachine);
  expect(diagram).toMatch(/^stateDiagram-v2\n {2}%% order: One order/);
  expect(diagram.match(/ --> /g)).toHaveLength(1 + 3 + 2 + 3 + 3);
  expect(diagram).toContain("  payment_failed --> processing : [isOpenAndCreated]\n");
  expect(diagram).toContain("  note right of processing\n    The order is known to exist and waits for payment or\n");
  expect(diagram.replace(/\s+/g, " ")).toContain(
    "In every state, ShippingCalculated / learnShipping: Cost and days of",
  );
});

test("nested, parallel, final and history states, delays, and arrows across groups", () => {
  const machine = createMachine({
    id: "n",
    initial: "a",
    on: { CANCEL: ".z", PING: { actions: "ping" } },
    states: {
      a: {
        initial: "x y",
        states: {
          "x y": { description: "hm: a;b", on: { "GO:x": "y", DEEP: "#n.par.r1.q" }, after: { 1000: "y" } },
          y: { type: "final" },
        },
        onDone: "z",
      },
      par: {
        type: "parallel",
        states: {
          r1: { initial: "p", states: { p: { on: { N: { actions: "foo" } } }, q: {} } },
          r2: { initial: "p", states: { p: {}, h: { type: "history" } } },
        },
      },
      z: { type: "final" },
    },
  });
  expect(drawMachine(machine)).toBe(`stateDiagram-v2
  %% n
  [*] --> a
  a
  state a {
    [*] --> a__x_y
    state "x y" as a__x_y
    state "y" as a__y
    a__y --> [*]
    a__x_y --> a__y : GO#58;x
    a__x_y --> a__y : after 1 s
  }
  par
  state par {
    state "r1" as par__r1
    state par__r1 {
      [*] --> par__r1__p
      state "p" as par__r1__p
      state "q" as par__r1__q
      par__r1__p --> par__r1__p : N / foo
    }
    --
    state "r2" as par__r2
    state par__r2 {
      [*] --> par__r2__p
      state "p" as par__r2__p
      state "H" as par__r2__h
    }
  }
  z
  z --> [*]
  a --> z : done
  a --> z : CANCEL
  par --> z : CANCEL
  a__x_y --> par__r1__q : DEEP
  note right of a
    In every state, PING / ping
  end note
  note right of a__x_y
    hm: a;b
  end note
`);
});

test("states whose names have other letters, or differ by those only, are states of their own", () => {
  const machine = createMachine({
    id: "n",
    initial: "等待",
    states: { 等待: { on: { GO: "完成" } }, 完成: { on: { GO: "in-progress" } }, "in-progress": {}, in_progress: {} },
  });
  expect(drawMachine(machine)).toBe(`stateDiagram-v2
  %% n
  [*] --> __
  state "等待" as __
  state "完成" as ___2
  state "in-progress" as in_progress
  state "in_progress" as in_progress_4
  __ --> ___2 : GO
  ___2 --> in_progress : GO
`);
});

test("a machine of thousands of states is drawn at once", { timeout: 10_000 }, () => {
  const states = Array.from({ length: 4000 }, (_, at) => [`s${at}`, { on: { NEXT: `s${(at + 1) % 4000}` } }]);
  const diagram = drawMachine(createMachine({ initial: "s0", states: Object.fromEntries(states) }));
  expect(diagram.match(/ --> /g)).toHaveLength(1 + 4000);
});
