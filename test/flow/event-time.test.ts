import { describe, expect, it } from "vitest";
import { assign, createMachine } from "xstate";
import type { ActorType } from "../../src/actor/actor-type.ts";
import { createAnswers } from "../../src/answers/answers.ts";
import { compareActor } from "../../src/care/diff.ts";
import { createRelease, release } from "../../src/care/release.ts";
import type { Delivery } from "../../src/flow/delivery.ts";
import { atOnce } from "../../src/flow/pieces.ts";
import { openQueries } from "../../src/store/queries.ts";
import { createImages } from "../../src/store/stored-actor.ts";
import { permutations } from "../machines/order-driver.ts";
import { at, bill, billLane, billType, nextSequence, opened, paid, START_MS, tick } from "./bills.ts";
import { catchUp } from "./meters.ts";
import { applyEach, openStation, type Station } from "./station.ts";

/* An ordinary statechart on the path, by event time. */

const said = (station: Station) =>
  station.decisions("b").map(({ decisionType, causationId, basedOn, decidedAt, total }) => ({
    decisionType,
    causationId,
    basedOn,
    decidedAt,
    ...(total !== undefined && { total }),
  }));
const outcomes = (station: Station) =>
  station.db.prepare("SELECT event_id, outcome, replayed FROM events ORDER BY rowid").raw().all();
const quarantined = (station: Station) => station.db.prepare("SELECT error FROM quarantine").pluck().all();

describe("an event that happened before others", () => {
  it("is heard where it happened: what stands is revised, with the facts it now rests on", () => {
    using station = openStation();
    applyEach(station, [opened(0), paid(30, 4), paid(5, 7, 40)]);
    expect(outcomes(station)).toEqual([
      ["Opened-1", "applied", 0],
      ["p-30", "applied", 0],
      ["p-5", "reordered", 1],
    ]);
    expect(said(station)).toEqual([
      {
        decisionType: "BillPaid",
        causationId: "p-5",
        basedOn: ["Opened-1", "p-5", "p-30"],
        decidedAt: at(30),
        total: 11,
      },
    ]);
  });

  it.each([
    ["hot", () => {}],
    ["cold", () => {}],
    ["without snapshots", (station: Station) => station.db.exec("UPDATE actors SET checksum = checksum + 1")],
  ])("every order ends the same: %s", (how, spoil) => {
    using station = openStation();
    const facts = [opened(0), paid(5, 7), paid(8, 4), paid(70, 3), bill("Noted", { second: 9, stored: 9 })];
    for (const [index, order] of [...permutations(facts)].entries()) {
      for (const fact of order) {
        const { subject, body } = fact;
        const about = Buffer.from(Buffer.from(body).toString().replace('"b"', `"b-${index}"`));
        const delivery = { ...fact, subject: subject.replace(".b.", `.b-${index}.`), body: about };
        station.processor.apply([{ ...delivery, sequence: nextSequence(), storedAtMs: START_MS + 80_000 }]);
        if (how !== "hot") station.actors.evictLane(billLane);
        spoil(station);
      }
    }
    const ends = station.db.prepare("SELECT DISTINCT state, events, due, completeness FROM actors").raw().all();
    expect(ends).toEqual([["paid", 5, null, 50]]);
    const standing = station.db.prepare("SELECT DISTINCT standing FROM actors").pluck().all();
    expect(standing).toEqual(['{"decisionType":"BillPaid","total":11}']);
  });
});

describe("time that has passed", () => {
  it("a tick lets the delay act; it is in the history, and no event of the machine's", () => {
    using station = openStation();
    applyEach(station, [opened(0)]);
    expect(station.row("b")).toMatchObject({ state: "open", due: at(60), events: 1 });
    applyEach(station, [tick(60, 62), tick(60, 63)]);
    expect(station.row("b")).toMatchObject({ state: "lapsed", due: null, events: 1, updated_ms: START_MS });
    expect(outcomes(station).at(-1)).toEqual([`time:${at(60)}`, "tick", 0]);
    expect(said(station)).toEqual([
      { decisionType: "BillLapsed", causationId: `time:${at(60)}`, basedOn: ["Opened-1"], decidedAt: at(60) },
    ]);
  });

  it("a payment made in time and heard long after undoes it, with one revision", () => {
    using station = openStation();
    applyEach(station, [opened(0), tick(60, 62), paid(40, 10, 7200)]);
    expect(said(station).map(({ decisionType }) => decisionType)).toEqual(["BillLapsed", "BillPaid"]);
    expect(station.row("b")).toMatchObject({ state: "paid", due: null });
  });

  it("whatever is heard of the actor tells it, even what was heard before", () => {
    using station = openStation();
    const first = opened(0);
    const again = { ...opened(0, 62), storedAtMs: START_MS + 62_000 };
    applyEach(station, [first, again]);
    expect(said(station)).toMatchObject([{ decisionType: "BillLapsed", causationId: "Opened-1" }]);
    expect(station.row("b")).toMatchObject({ state: "lapsed" });
  });

  it("what is a little late is in time: nothing lapses before the grace is over", () => {
    using station = openStation();
    applyEach(station, [opened(0), { ...opened(0), storedAtMs: START_MS + 61_999 }]);
    expect(station.row("b")).toMatchObject({ state: "open" });
  });

  it("a tick before its time, or about nobody, is ignored", () => {
    using station = openStation();
    applyEach(station, [tick(60, 62)]);
    expect(station.row("b")).toBeUndefined();
    applyEach(station, [opened(0), tick(60, 59)]);
    expect(station.row("b")).toMatchObject({ state: "open" });
    expect(outcomes(station)).toHaveLength(1);
  });
});

describe("facts that cannot be folded, or concluded from", () => {
  it("are kept, and the first that mends it ends the quarantine", () => {
    using station = openStation();
    applyEach(station, [opened(0), paid(10, 666)]);
    expect(quarantined(station)).toEqual(["bill is held after Paid p-10: the devil's amount"]);
    expect(outcomes(station).at(-1)).toEqual(["p-10", "held", 0]);
    expect(station.db.prepare("SELECT count(*) FROM dead_letters").pluck().get()).toBe(0);
    station.actors.evictLane(billLane);
    applyEach(station, [paid(5, 1, 20)]);
    expect(quarantined(station)).toEqual([]);
    expect(said(station)).toMatchObject([{ decisionType: "BillPaid", total: 667, causationId: "p-5" }]);
    expect(station.db.prepare("SELECT sum(value) FROM tallies WHERE name = 'quarantined'").pluck().get()).toBe(0);
  });

  it("what threw is named once", () => {
    using station = openStation();
    const fail = () => {
      throw new Error("no rate yet");
    };
    const machine = createMachine({ initial: "new", states: { new: { on: { Paid: { actions: assign(fail) } } } } });
    const type = { ...billType, machine, states: ["new"], conclude: () => ({ content: null }) } as ActorType;
    applyEach(station, [{ ...paid(10, 1), lane: { ...billLane, type } }]);
    expect(quarantined(station)).toEqual([`bill is held: Paid p-10 of ${at(10)}: no rate yet`]);
  });

  it("a release folds all of them anew, with the rules of today", () => {
    using station = openStation();
    applyEach(station, [opened(0), paid(10, 666)]);
    const { journal, processor } = station;
    const released = createRelease({ journal, processor, laneOf: () => billLane, onCommitted() {} })(billType, "b");
    expect(released).toMatchObject({ released: false, decisions: 0, reordered: 0, unhandled: 0, held: 0 });
    expect(quarantined(station)).toHaveLength(1);
    const mended = {
      ...billLane,
      type: { ...billType, conclude: (() => ({ content: { decisionType: "BillPaid" } })) as never },
    };
    station.actors.evictLane(billLane);
    expect(release(station.journal, station.processor, mended, "b")?.decisions).toMatchObject([
      { causationId: "p-10" },
    ]);
    expect(quarantined(station)).toEqual([]);
    expect(release(station.journal, station.processor, mended, "b")).toBeUndefined();
  });
});

it("a rule that looks at the clock is named with the first events", () => {
  using station = openStation();
  const type = { ...billType, conclude: (() => ({ content: { decisionType: "BillPaid", at: Date.now() } })) as never };
  const { handled } = station.processor.apply([{ ...opened(0), lane: { ...billLane, type } }]);
  expect(handled).toMatchObject([{ outcome: "applied", dependsOn: "Date" }]);
  expect(station.processor.apply([opened(1)]).handled[0]).not.toHaveProperty("dependsOn");
});

describe("a type that bounds how late facts may be", () => {
  const patient = { ...billLane, type: { ...billType, latenessMs: 60_000 } };
  const told = (delivery: Delivery) => ({ ...delivery, lane: patient });
  const reasons = (station: Station) => station.db.prepare("SELECT reason, error FROM dead_letters").raw().all();

  it("what happened longer before the newest is too late, but for what was heard in time", () => {
    using station = openStation();
    const first = opened(0);
    const inTime = paid(40, 1);
    applyEach(station, [first, inTime, paid(101, 1), paid(41, 1, 102)].map(told));
    expect(reasons(station)).toEqual([]);
    station.actors.evictLane(patient);
    applyEach(station, [bill("Noted", { second: 40, stored: 103 }), paid(40, 1, 103)].map(told));
    expect(reasons(station)).toEqual([
      ["too_late", `timestamp: ${at(40)} of Noted is more than 60000 ms before the newest event`],
    ]);
    expect(outcomes(station)).toHaveLength(4);
    expect(station.db.prepare("SELECT duplicates FROM events WHERE event_id = 'p-40'").pluck().get()).toBe(1);
  });

  it("who says it happened in the future makes no other late", () => {
    using station = openStation();
    applyEach(station, [opened(0), paid(90, 1, 50), bill("Noted", { second: 0, stored: 55 })].map(told));
    expect(reasons(station)).toEqual([]);
  });

  it("of many facts the old ones are folded once and for all, and all ends as without", () => {
    using station = openStation();
    const first = opened(0);
    const notes = Array.from({ length: 1200 }, (_, index) => {
      const second = 1000 + (index % 2 === 0 ? index + 1 : index - 1);
      return bill("Noted", { id: `n-${index}`, second, stored: 1000 + index + 2 });
    });
    station.processor.apply([first, ...notes].map(told));
    catchUp(station);
    const { base, count } = JSON.parse(String(station.row("b").snapshot));
    expect(count).toBe(1201);
    expect(base.count).toBeGreaterThan(400);
    station.actors.evictLane(patient);
    station.db.exec("UPDATE actors SET checksum = checksum + 1");
    applyEach(station, [bill("Noted", { id: "late", second: 2170, stored: 2210 })].map(told));
    expect(station.row("b")).toMatchObject({ state: "lapsed", events: 1202 });
    expect(reasons(station)).toEqual([]);
  });
});

it("the story says how it was heard, and how it stands today", () => {
  using station = openStation();
  applyEach(station, [opened(0), tick(60, 62), bill("Noted", { second: 70, stored: 71 }), paid(40, 10, 7200)]);
  const answers = createAnswers(openQueries(station.file));
  const told = atOnce(answers.steps(billType, "b"));
  expect(told?.steps.map(({ event, state }) => [event.eventType, event.outcome, state])).toEqual([
    ["Opened", "applied", "open"],
    ["TimePassed", "tick", "lapsed"],
    ["Noted", "unhandled", "lapsed"],
    ["Paid", "reordered", "paid"],
  ]);
  expect(told?.fold?.map(({ what, eventId, isHandled, state }) => [what, eventId, isHandled, state])).toEqual([
    ["Opened", "Opened-1", true, "open"],
    ["Paid", "p-40", true, "paid"],
    ["Noted", "Noted-1", false, "paid"],
  ]);
  answers.close();
});

it("what is derived in other batches, from a stream that said things twice, is no drift", () => {
  using stored = openStation();
  using derived = openStation();
  const twice = { ...opened(0), storedAtMs: START_MS + 30_000 };
  const heard = [opened(0), twice, paid(30, 4, 31), { ...paid(30, 4), storedAtMs: START_MS + 40_000 }];
  applyEach(stored, heard);
  derived.processor.apply(heard);
  const [a, b] = [stored, derived].map((station) => atOnce(createImages(station.db).find(billLane, "b")));
  if (a === undefined || b === undefined) throw new Error("no image");
  const { differences } = atOnce(compareActor("b", a, b, { decisions: [], firstSequence: 1 }));
  expect(differences).toEqual([]);
});
