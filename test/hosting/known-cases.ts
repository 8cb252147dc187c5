import type { CaseSpec, FactSpec, NodeSpec, TransitionSpec } from "./spec.ts";

/*
 * What chance hardly finds: cases whose late fact leads to a moment that looks like the one before and is another.
 */

const leaf = (id: string): NodeSpec => ({ id, kind: "atomic" });

/** Heard at that millisecond. */
function fact(type: string, ms: number, id = "1"): FactSpec {
  return { type, id, at: ms * 1_000_000, amount: 0 };
}

function on(event: string, ...take: TransitionSpec[]) {
  return { event, take };
}

/** The late B sets a delay under the id of A's, which fires under it and so hides A's: C then cancels nothing. */
const HIDDEN_DELAY: CaseSpec = {
  machine: {
    id: "m",
    kind: "compound",
    states: [leaf("s")],
    on: [
      on("A", { actions: [{ do: "later", event: "L", delay: 10, id: "t" }] }),
      on("B", { actions: [{ do: "later", event: "M", delay: 10, id: "t" }] }),
      on("C", { actions: [{ do: "cancel", id: "t" }] }),
      on("L", { actions: [{ do: "count" }] }),
    ],
  },
  facts: [fact("A", 1), fact("B", 5), fact("A", 10, "2"), fact("Unknown", 18), fact("C", 19)],
  ticks: [60_000_000],
};

/** The late A lets the next B enter p1, after q1: what C makes both leave for they leave for in the other order. */
const ORDER_OF_ENTRY: CaseSpec = {
  machine: {
    id: "m",
    kind: "parallel",
    states: [
      {
        id: "p",
        kind: "compound",
        states: [
          { ...leaf("p1"), on: [on("A", { target: "p3" })], always: [left("p")] },
          leaf("p2"),
          { ...leaf("p3"), on: [on("B", { target: "p1" })] },
        ],
      },
      { id: "q", kind: "compound", states: [{ ...leaf("q1"), always: [left("q")] }, leaf("q2")] },
    ],
    on: [on("C", { actions: [{ do: "count" }] })],
  },
  facts: [fact("Unknown", 1), fact("A", 5), fact("B", 6), fact("C", 7)],
  ticks: [60_000_000],
};

/** Once something has been counted: it begins with two, the length of the actor's id. */
function left(id: string): TransitionSpec {
  return {
    target: `${id}2`,
    guard: { is: "not", guard: { is: "below", limit: 3 } },
    actions: [{ do: "log", label: id }],
  };
}

/** A key for a prefix has a guard that holds for the first B only, and a longer one goes before it. */
const PREFIXES: CaseSpec = {
  machine: {
    id: "m",
    kind: "compound",
    states: [leaf("s")],
    on: [
      on("B.*", { guard: { is: "below", limit: 3 }, actions: [{ do: "count" }] }),
      on("B.c.*", { actions: [{ do: "log", label: "c" }] }),
    ],
  },
  facts: [fact("B.b", 1), fact("B.c.d", 2), fact("B.b", 3, "2"), fact("B", 4), fact("Bb", 5)],
  ticks: [60_000_000],
};

/** After r's history XState's list of the active states lacks r itself: both regions seem to be one state. */
const REGIONS: CaseSpec = {
  machine: {
    id: "m",
    kind: "compound",
    states: [
      {
        id: "r",
        kind: "parallel",
        states: [
          {
            id: "p",
            kind: "compound",
            states: [leaf("p1")],
            after: [{ delay: 0, take: [{ target: "h", guard: { is: "gone" } }] }],
          },
          { id: "q", kind: "compound", states: [leaf("q1")] },
          { id: "h", kind: "history", isDeep: false },
        ],
      },
    ],
  },
  facts: [fact("A", 1)],
  ticks: [60_000_000],
};

/** Checked in all their orders of arrival. */
export const KNOWN_CASES: readonly CaseSpec[] = [HIDDEN_DELAY, ORDER_OF_ENTRY, PREFIXES, REGIONS];
/** All orders of five facts. */
export const ALL_ORDERS = 120;
