import { randomUUID } from "node:crypto";
import { describe, expect, it } from "vitest";
import { and, createMachine, emit, fromPromise, not, raise, sendTo, setup, spawnChild } from "xstate";
import { findNonDeterminism } from "../../src/actor/determinism.ts";
import { isIn, leavesIn, leavesOf, pathsOf, stateText } from "../../src/actor/state-text.ts";
import { findRefusals, findUndone } from "../../src/actor/statechart-refusals.ts";

describe("before a statechart runs", () => {
  it("what it may not have is refused by state path", () => {
    const machine = createMachine({
      id: "claim",
      initial: "review",
      states: {
        review: {
          initial: "documents",
          states: {
            documents: {
              invoke: { src: fromPromise(async () => 1) },
              entry: [spawnChild("child"), raise({ type: "L" }, { delay: "patience" as never })],
              on: { Go: { guard: and(["isReady", not("isLate")]), actions: sendTo("other", { type: "X" }) } },
              after: { grace: "documents", "-5": "documents" },
              always: { guard: { type: "isOver" }, actions: "later" },
            },
          },
        },
      },
    }).provide({ guards: { isReady: () => true }, actions: { later: async () => {} } });
    expect(findRefusals(machine)).toEqual([
      "state review.documents invokes something: an actor calls nobody; let a service do it that publishes an event of what came of it",
      "state review.documents: guard isLate is not implemented",
      "state review.documents: guard isOver is not implemented",
      "state review.documents: delay grace is not implemented",
      "state review.documents: delay -5 is no finite number of milliseconds, 0 or more",
      "state review.documents, entry: starts an actor: an actor calls nobody",
      "state review.documents, entry: delay patience is not implemented",
      "state review.documents, on Go: sends to an actor: an actor calls nobody; to itself it may raise",
      "state review.documents, always: an action is async: an actor waits for nobody",
    ]);
  });

  it("what is left undone is listed, where it stands", () => {
    const machine = setup({
      actions: { sendEmail: () => {}, known: emit({ type: "E" }), noteAmount: undefined as never },
    }).createMachine({
      id: "claim",
      initial: "review",
      entry: ["known", "noteAmount"],
      exit: () => {},
      states: { review: { entry: "sendEmail", on: { Go: { actions: [function beep() {}, raise({ type: "R" })] } } } },
    });
    expect(findRefusals(machine)).toEqual([]);
    expect(findUndone(machine)).toEqual([
      "emit at claim.entry",
      "noteAmount at claim.entry (not implemented)",
      "an action without a name at claim.exit",
      "sendEmail at review.entry",
      "beep at review.on Go",
    ]);
  });
});

describe("a state in one line", () => {
  const machine = createMachine({
    id: "order",
    type: "parallel",
    states: {
      money: { initial: "open", states: { open: {}, paid: {} } },
      goods: { initial: "packed", states: { packed: { initial: "fresh", states: { fresh: {} } } } },
      open: {},
    },
  });

  it("names all that is active, as it is written", () => {
    const value = { open: {}, goods: { packed: "fresh" }, money: "paid" };
    expect(stateText(machine.root, value)).toBe("money.paid · goods.packed.fresh · open");
    expect(pathsOf(leavesOf(machine.root, value))).toEqual([
      "money",
      "money.paid",
      "goods",
      "goods.packed",
      "goods.packed.fresh",
      "open",
    ]);
  });

  it("is read as it is written, whatever its states are called", () => {
    const odd = createMachine({
      type: "parallel",
      states: { "a.b": { initial: "c · d", states: { "c · d": {} } }, e: {} },
    });
    const text = stateText(odd.root, { "a.b": "c · d", e: {} });
    expect(leavesIn(text)).toHaveLength(2);
    expect(pathsOf(leavesIn(text))).toEqual(["a\\.b", "a\\.b.c \\· d", "e"]);
    expect([isIn(text, "a\\.b"), isIn(text, "a"), isIn(text, "e")]).toEqual([true, false, true]);
  });

  it("is the machine's id when it has no states", () => {
    expect(stateText(createMachine({ id: "one" }).root, {})).toBe("one");
  });
});

describe("two runs", () => {
  it.each([
    ["Date", () => Date.now()],
    ["Date", () => new Date().getDate()],
    ["Math.random", () => Math.random()],
    ["crypto", () => crypto.randomUUID()],
    ["crypto", () => randomUUID()],
    ["performance", () => performance.now()],
  ])("that differ by %s are told apart", (source, run) => {
    expect(findNonDeterminism(run)).toBe(source);
  });

  it("that count what was before are told apart", () => {
    let count = 0;
    expect(findNonDeterminism(() => count++)).toBe("something it keeps between two runs");
  });

  it("that look at given times only are the same, and leave the clock as it was", () => {
    expect(findNonDeterminism(() => new Date("2026-01-01T00:00:00Z").toISOString())).toBeUndefined();
    expect(new Date().getFullYear()).toBeGreaterThan(2024);
  });
});
