import { expect, test } from "vitest";
import { actorTypes } from "../../machines/registry.ts";
import type { ActorType, ExpectedActor } from "../../src/actor/actor-type.ts";
import type { ActorAnswer, PublishedObject } from "../../src/answers/queries.ts";
import { compare, type Expectation } from "../../src/demo/compare.ts";
import type { Outcome } from "../../src/demo/outcome.ts";

const [type] = actorTypes as readonly [ActorType];

const confirmed = { decisionType: "OrderConfirmed", warehouseId: "warehouse-west", estimatedDays: 3 };
const rejected = { decisionType: "OrderRejected", reason: "Payment failed" };
const withdrawn = { decisionType: "OrderDecisionWithdrawn" };

const actor: ExpectedActor = {
  state: "confirmed",
  completeness: 40,
  view: { createdAt: null },
  decision: confirmed,
  events: 2,
  duplicates: 1,
};
const expected: Expectation = { actors: new Map([["order-1", actor]]), deadLetters: { malformed_json: 1 } };

test("a system that did everything as expected has no differences", () => {
  expect(compare(type, expected, outcomeOf())).toEqual([]);
  expect(compare(type, expected, outcomeOf({ decisions: published(rejected, confirmed) }))).toEqual([]);
});

test("a withdrawn decision stands for none", () => {
  const none: Expectation = { ...expected, actors: new Map([["order-1", { ...actor, decision: null }]]) };
  const decisions = published(confirmed, withdrawn);
  expect(compare(type, none, outcomeOf({ answer: { decision: null }, decisions }))).toEqual([]);
});

test.each<[what: string, changes: Changes, difference: RegExp]>([
  ["another state", { answer: { processingStatus: "pending" } }, /^order-1: state is "pending", expected "confirmed"$/],
  ["another view", { answer: { createdAt: "2026-01-01T00:00:00.000Z" } }, /createdAt is "2026.*, expected null$/],
  ["another decision", { answer: { decision: envelope(rejected, 1) } }, /standing decision is .*OrderRejected/],
  ["a lost event", { answer: { version: 1 } }, /distinct events is 1, expected 2$/],
  ["an unknown order", { answer: null }, /^order-1: not known to natstate, expected confirmed after 2 events$/],
  ["a missing revision", { decisions: [envelope(rejected, 1), envelope(confirmed, 3)] }, /revisions .* is \[1,3\]/],
  ["a doubled revision", { decisions: [envelope(rejected, 1), envelope(confirmed, 1)] }, /revisions .* is \[1,1\]/],
  ["a revision without news", { decisions: published(confirmed, confirmed) }, /revision 2 says nothing new/],
  ["a withdrawal of nothing", { decisions: published(withdrawn, confirmed) }, /revision 1 says nothing new/],
  ["another last decision", { decisions: published(confirmed, rejected) }, /last decision in DECISIONS is .*Rejected/],
  ["no decision", { decisions: [] }, /last decision in DECISIONS is null, expected .*OrderConfirmed/],
  ["a lost dead letter", { deadLetters: {} }, /DEAD_LETTERS, malformed_json is 0, expected 1$/],
  ["a surplus dead letter", { deadLetters: { malformed_json: 1, too_large: 1 } }, /too_large is 1, expected 0$/],
])("%s is a difference", (_what, changes, difference) => {
  expect(compare(type, expected, outcomeOf(changes))).toContainEqual(expect.stringMatching(difference));
});

interface Changes {
  /** Null: the order is not known. */
  readonly answer?: Partial<ActorAnswer> | null;
  readonly decisions?: readonly PublishedObject[];
  readonly deadLetters?: Record<string, number>;
}

/** A system that did everything as expected, but for the changes. */
function outcomeOf({
  answer = {},
  decisions = published(confirmed),
  deadLetters = { malformed_json: 1 },
}: Changes = {}) {
  const event = { eventId: "e", eventType: "t", timestamp: "", receivedAt: "", sequence: 1, correlationId: null };
  const good: ActorAnswer = {
    processingStatus: "confirmed",
    state: "confirmed",
    value: "confirmed",
    due: [],
    createdAt: null,
    dataCompleteness: 40,
    decision: envelope(confirmed, 1),
    version: 2,
    lastUpdated: "",
    eventHistory: [
      { ...event, outcome: "applied", duplicates: 1, conflicts: 0 },
      { ...event, outcome: "applied", duplicates: 0, conflicts: 0 },
    ],
    waitingFor: [],
  };
  const byState = Object.fromEntries(type.states.map((state) => [state, state === "confirmed" ? 1 : 0]));
  return {
    actors: new Map(answer === null ? [] : [["order-1", { ...good, ...answer }]]),
    decisions: new Map([["order-1", decisions]]),
    deadLetters,
    stats: {
      orders: { total: 1, byState },
      standing: { byType: { OrderConfirmed: 1 } },
      completeness: { byPercent: {} },
      events: { applied: 2, superseded: 0, duplicate: 1, conflict: 0, parked: 0 },
      quarantined: 0,
      retired: 0,
      decisions: { byType: { OrderConfirmed: 1 }, revised: 0 },
      deadLetters: { byReason: { malformed_json: 1, too_large: 0 } },
    },
  } satisfies Outcome;
}

function published(...contents: PublishedObject[]): PublishedObject[] {
  return contents.map((content, index) => envelope(content, index + 1));
}

function envelope(content: PublishedObject, revision: number): PublishedObject {
  const supersedes = revision === 1 ? null : revision - 1;
  return { ...content, orderId: "order-1", revision, supersedes, decidedAt: null, basedOn: [], dataCompleteness: 40 };
}
