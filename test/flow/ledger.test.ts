import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { DecisionContent } from "../../src/actor/actor-type.ts";
import { encodeDecision, nextContent, standingAfter } from "../../src/actor/decision.ts";
import { advance, goesOn, type LedgerHead, type OwnDecision, reconcile } from "../../src/flow/ledger.ts";
import type { LearntDecision } from "../../src/flow/rows.ts";
import { orderLane } from "./delivery.ts";

const { type } = orderLane;
const NOBODY = { revision: 0, standing: null };

function content(days: number | null): DecisionContent | null {
  return days === null ? null : { decisionType: "OrderConfirmed", estimatedDays: days };
}

/** A decision on the stream. */
function decided(revision: number, days: number | null, causationId = `e${revision}`, pastTo = 0): LearntDecision {
  const said = content(days) ?? { decisionType: type.withdrawn };
  const envelope = {
    revision,
    supersedes: null,
    decidedAt: null,
    dataCompleteness: 0,
    basedOn: [],
    correlationId: null,
  };
  return {
    revision,
    sequence: revision,
    pastTo,
    payload: encodeDecision(type, "o", said, { ...envelope, causationId }),
  };
}

function concluded(sequence: number, days: number | null) {
  const conclusion = { content: content(days), basedOn: [], decidedAt: null };
  return { conclusion, eventId: `e${sequence}`, dataCompleteness: 0, sequence };
}

/** What actors conclude after each of their events, null for nothing. */
const histories = fc.array(fc.option(fc.integer({ min: 1, max: 3 })), { minLength: 1, maxLength: 12 });

/** The decisions of a ledger that nobody disturbs: the model. */
function undisturbed(history: readonly (number | null)[], pastTo: number): LearntDecision[] {
  const said: LearntDecision[] = [];
  let standing: DecisionContent | null = null;
  for (const [index, days] of history.entries()) {
    const next = nextContent(type, standing, concluded(index + 1, days).conclusion);
    if (next === null) continue;
    said.push(decided(said.length + 1, days, `e${index + 1}`, pastTo));
    standing = standingAfter(type, next);
  }
  return said;
}

/** Reads a history with what is learnt of the stream. */
function replay(history: readonly (number | null)[], learnt: readonly LearntDecision[]) {
  let head: LedgerHead = NOBODY;
  const recorded: number[] = [];
  const adopted: number[] = [];
  for (const [index, days] of history.entries()) {
    const step = advance(type, head, concluded(index + 1, days), learnt);
    adopted.push(...step.adopt.map(({ revision }) => revision));
    if (step.record !== null) recorded.push(step.record.revision);
    head = step.head;
  }
  return { head, recorded, adopted };
}

describe("a past that is read anew", () => {
  it("asks for nothing, whatever of its revisions the stream still holds, and comes to what stands", () => {
    fc.assert(
      fc.property(histories, fc.infiniteStream(fc.boolean()), (history, keep) => {
        const all = undisturbed(history, history.length);
        // The newest is always there: it is what consumers go by.
        const left = all.filter((_, index) => index === all.length - 1 || keep.next().value);
        const { head, recorded } = replay(history, left);
        expect(recorded).toEqual([]);
        expect(head.revision).toBe(all.length);
      }),
    );
  });

  it("is followed by what is new, one revision after the newest", () => {
    fc.assert(
      fc.property(histories, histories, (past, news) => {
        const before = undisturbed(past, past.length);
        const after = undisturbed([...past, ...news], past.length);
        const { head, recorded } = replay([...past, ...news], before.slice(-1));
        expect(head.revision).toBe(after.length);
        expect(recorded).toEqual(after.slice(before.length).map(({ revision }) => revision));
      }),
    );
  });

  it("only the newest revision is left: its cause takes it over, nothing before it is decided again", () => {
    expect(replay([1, 2], [decided(2, 2, "e2", 2)])).toMatchObject({
      recorded: [],
      adopted: [2],
      head: { revision: 2 },
    });
    // The actor came back to what it had said before.
    expect(replay([1, 2, 1], [decided(3, 1, "e3", 3)])).toMatchObject({ recorded: [], head: { revision: 3 } });
  });

  it("rules that have changed since say nothing about it, only about what follows", () => {
    expect(replay([5], [decided(1, 9, "e1", 1)])).toMatchObject({ recorded: [], adopted: [1] });
    expect(replay([5, 5], [decided(1, 9, "e1", 1)])).toMatchObject({ recorded: [2], adopted: [1] });
  });
});

describe("another writer's decision, caused by nothing we know", () => {
  it("is history once something new is to be said, and ours comes after it", () => {
    expect(replay([null, 5], [decided(1, 7, "?", 1)])).toMatchObject({ recorded: [2], adopted: [1] });
    expect(replay([null, null], [decided(1, 7, "?", 0)])).toMatchObject({ recorded: [], adopted: [] });
  });

  it("a new event that says what an older one of them said is decided after the newest, which consumers go by", () => {
    const learnt = [decided(1, 5, "?", 1), decided(2, 7, "?", 1)];
    expect(replay([null, 5, 5], learnt)).toMatchObject({ recorded: [3], adopted: [1, 2], head: { revision: 3 } });
  });

  it("is ours when it says what we are about to say", () => {
    expect(replay([5], [decided(1, 5, "?", 0)])).toMatchObject({ recorded: [], adopted: [1] });
  });
});

describe("a ledger and its subject", () => {
  const heard = new Set<string>();
  const own = (...days: number[]): OwnDecision[] =>
    days.map((each, index) => ({ ...decided(index + 1, each), published: null }));
  const against = (rows: readonly OwnDecision[], decisions: readonly LearntDecision[], streamEnd = 100) =>
    reconcile(type, rows, { decisions, streamEnd }, (eventId) => heard.has(eventId));
  const published = (rows: readonly OwnDecision[], from = 1) =>
    rows.map((row, index) => ({ ...row, published: from + index }));

  it("what the stream has lost at its end is due again, in order; what was removed from it is not", () => {
    expect(against(published(own(1, 2, 3), 50), [decided(1, 1)], 50)).toMatchObject({ due: [2, 3], gone: [] });
    expect(against(published(own(1, 2, 3), 50), [decided(1, 1)], 60)).toMatchObject({ due: [], gone: [] });
    expect(against(own(1, 2, 3), [decided(2, 2)])).toMatchObject({ due: [3], gone: [1], isDiverged: false });
  });

  it("another writer's end is superseded when it says something else than ours, and taken when it says the same", () => {
    expect(against(own(1), [decided(1, 7)])).toMatchObject({ again: 2, revision: 2, isDiverged: true });
    expect(against(own(1), [decided(1, 7), decided(2, 1)])).toMatchObject({ again: null, revision: 2, due: [] });
    expect(against(own(1, 2), [decided(1, 7)])).toMatchObject({ again: null, due: [2], revision: 2 });
  });

  it("a revision ahead of ours is waited for, unless it was caused by what we have heard", () => {
    expect(against(own(1), [decided(1, 1), decided(2, 9)])).toMatchObject({
      learn: [{ revision: 2 }],
      isDiverged: false,
    });
    heard.add("e2");
    expect(against(own(1), [decided(1, 1), decided(2, 9)])).toMatchObject({ learn: [], again: 3, revision: 3 });
    heard.clear();
  });

  it("comes to rest: what is due is published, and then nothing is due, whatever was there", () => {
    const rows = fc.array(fc.integer({ min: 1, max: 3 }), { minLength: 1, maxLength: 6 });
    const subject = fc.array(fc.tuple(fc.integer({ min: 1, max: 9 }), fc.integer({ min: 1, max: 3 })), {
      maxLength: 6,
    });
    fc.assert(
      fc.property(rows, subject, fc.infiniteStream(fc.boolean()), (days, messages, noted) => {
        const there: LearntDecision[] = [];
        for (const [revision, said] of messages) {
          if (goesOn(there.at(-1)?.revision ?? 0, revision)) there.push(decided(revision, said));
        }
        const ledger = own(...days).map((row) => ({
          ...row,
          published: noted.next().value ? 1000 + row.revision : null,
        }));
        const plan = against(ledger, there);
        const due = [...plan.due, ...(plan.again === null ? [] : [plan.again])];
        const end = there.at(-1)?.revision ?? 0;
        expect(due).toEqual(due.map((_, index) => end + 1 + index));
        // A consumer ends with what the actor has said last, unless the stream is ahead of it.
        const ahead = plan.learn.length > 0;
        const last =
          due.length > 0
            ? days.at(-1)
            : there.length > 0
              ? JSON.parse(there.at(-1)?.payload ?? "").estimatedDays
              : undefined;
        if (!ahead) expect(last).toBe(days.at(-1));
      }),
    );
  });
});

it("revisions that do not rise are copies, those that leap are forged", () => {
  expect([goesOn(0, 1), goesOn(3, 7), goesOn(3, 3), goesOn(3, 2)]).toEqual([true, true, false, false]);
  expect([goesOn(3, Number.MAX_SAFE_INTEGER), goesOn(0, 2_000_000)]).toEqual([false, false]);
});
