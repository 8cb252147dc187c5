import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { assign, createMachine, fromPromise, raise } from "xstate";
import { z } from "zod";
import type { ActorType } from "../../src/actor/actor-type.ts";
import { openDeriver } from "../../src/care/derive-actor.ts";
import { release } from "../../src/care/release.ts";
import { createHotActors } from "../../src/flow/hot-actors.ts";
import { atOnce } from "../../src/flow/pieces.ts";
import { createProcessor } from "../../src/flow/processor.ts";
import { createJournal } from "../../src/store/journal.ts";
import { orderLane } from "./delivery.ts";
import { orderEvent } from "./order-events.ts";
import { applyEach, openStation, type Station } from "./station.ts";
import { type ThingContext, type ThingRules, thingEvent, thingLane, thingType } from "./things.ts";

class Money {
  readonly amount = 1;
}

function circle(): object {
  const self: Record<string, unknown> = {};
  self.self = self;
  return { self };
}

/** A conclusion that is a good one but for `change`, of bad things only. */
const concluding = (change: object) => ({
  conclude: ({ bad, n }: ThingContext) => ({
    content: n === undefined ? null : { decisionType: "ThingCounted", n },
    basedOn: [],
    decidedAt: null,
    ...(bad === undefined ? {} : change),
  }),
});
const content = (fields: object) => concluding({ content: { decisionType: "ThingCounted", ...fields } });
const whenBad =
  <Result>(answer: () => Result, otherwise: unknown) =>
  ({ bad }: ThingContext) =>
    bad === undefined ? otherwise : answer();
const throwing = (thrown: unknown) => () => {
  throw thrown;
};
const measuring = (answer: () => unknown) => ({ completeness: whenBad(answer, 50) });
const deciding = (answer: () => unknown) => ({
  conclude: whenBad(answer, { content: { decisionType: "ThingCounted", n: 1 }, basedOn: [], decidedAt: null }),
});

const poison: [string, ThingRules, RegExp][] = [
  [
    "a bigint in the context",
    { made: () => ({ total: 1n }) },
    /context\.bad\.total: a bigint, which JSON does not keep/,
  ],
  ["a circle in the context", { made: circle }, /context\.bad\.self\.self: a circle/],
  ["a function in the context", { made: () => [() => 1] }, /context\.bad\.0: a function/],
  ["a symbol in the context", { made: () => Symbol("s") }, /context\.bad: a symbol/],
  ["a hole in the context", { made: () => [1, undefined] }, /context\.bad\.1: undefined/],
  ["a Date in the context", { made: () => new Date() }, /context\.bad: a Date/],
  ["a Map in the context", { made: () => new Map() }, /context\.bad: a Map/],
  ["an instance of a class in the context", { made: () => new Money() }, /context\.bad: a Money/],
  ["NaN in the context", { made: () => ({ rate: Number.NaN }) }, /context\.bad\.rate: NaN/],
  ["Infinity in the context", { made: () => -Infinity }, /context\.bad: -Infinity/],
  ["a context changed in place", { does: ({ list }) => list.push(1n) }, /object is not extensible/],
  ["a context without an end", { made: () => JSON.parse("[".repeat(1000) + "]".repeat(1000)) }, /: too deep/],
  ["a completeness that is NaN", measuring(() => Number.NaN), /completeness: expected 0 to 100, found NaN/],
  ["a completeness above 100", measuring(() => 101), /completeness: expected 0 to 100, found 101/],
  ["a completeness below 0", measuring(() => -1), /completeness: expected 0 to 100, found -1/],
  ["a completeness that is text", measuring(() => "50"), /completeness: expected 0 to 100, found "50"/],
  ["a completeness that throws", measuring(throwing(new Error("what is it?"))), /what is it\?/],
  ["a completeness that throws nothing", measuring(throwing(undefined)), /Spoiled: undefined/],
  ["a completeness that comes later", measuring(async () => 50), /completeness: .*found a promise/],
  ["no conclusion", deciding(() => undefined), /conclude: expected \{ content, .*\}, found undefined/],
  ["a conclusion that comes later", deciding(async () => ({})), /conclude: .*found a promise/],
  [
    "a conclusion that fails later",
    deciding(async () => {
      throw new Error("later");
    }),
    /conclude: .*found a promise/,
  ],
  ["a conclusion that is a list", deciding(() => []), /conclude: .*found an array/],
  ["a conclusion without content", deciding(() => ({})), /conclude: .*null, found undefined/],
  ["a rule that throws what cannot be shown", deciding(throwing(Object.create(null))), /cannot be shown/],
  [
    "a content without its type",
    concluding({ content: { n: 1 } }),
    /content\.decisionType: undefined is none of ThingC/,
  ],
  ["a content of an unknown type", content({ decisionType: "Other" }), /content\.decisionType: "Other" is none of/],
  ["a withdrawal as content", content({ decisionType: "ThingWithdrawn" }), /content: null says that nothing follows/],
  ["a bigint in the content", content({ n: 1n }), /content\.n: a bigint/],
  ["a circle in the content", content({ n: circle() }), /content\.n\.self\.self: a circle/],
  ["NaN in the content", content({ n: Number.NaN }), /content\.n: NaN/],
  ["a content that sets the revision", content({ revision: 7 }), /content\.revision: that field is the envelope's/],
  ["a content that sets the id", content({ thingId: "other" }), /content\.thingId: that field is the envelope's/],
  ["a content too large for NATS", content({ n: "x".repeat(70_000) }), /content and basedOn: 70\d\d\d bytes, at most/],
  [
    "decided yesterday",
    concluding({ content: { decisionType: "ThingCounted" }, decidedAt: "yesterday" }),
    /decidedAt: .*"yesterday"/,
  ],
  [
    "decided at no time",
    concluding({ content: { decisionType: "ThingCounted" }, decidedAt: undefined }),
    /decidedAt: /,
  ],
  ["based on nothing", concluding({ content: { decisionType: "ThingCounted" }, basedOn: undefined }), /basedOn: /],
  ["based on numbers", concluding({ content: { decisionType: "ThingCounted" }, basedOn: [1] }), /basedOn: .*an array/],
  [
    "a content that is not as described",
    {
      ...content({ n: "two" }),
      decisions: { ThingCounted: z.object({ n: z.number() }), ThingWithdrawn: z.object({}) },
    },
    /content\.n: Invalid input: expected number, received string/,
  ],
  ["states that chase each other", { target: "looping" }, /Infinite loop detected: .* more than 100 microsteps/],
  ["a guard that throws", { target: "broken" }, /broken guard/],
  ["an action that throws", { does: throwing(new Error("no such thing")) }, /no such thing/],
];

function outcomes(station: Station, actorId: string): unknown {
  const rows = station.db.prepare("SELECT error FROM quarantine WHERE actor_id = ?").pluck().all(actorId);
  return [rows, station.decisions(actorId).map(({ n }) => n)];
}

describe("what one actor does wrong", () => {
  // One store for all of them, with a stream and actors for each: opening one costs more than the test.
  let station: Station;
  let other: Station;
  beforeAll(() => {
    station = openStation();
    other = openStation();
  });
  afterAll(() => {
    station[Symbol.dispose]();
    other[Symbol.dispose]();
  });

  it.each(poison.map((entry, index) => [...entry, index] as const))(
    "%s: that actor is quarantined, with the field; all others flow",
    (_what, rules, error, index) => {
      const lane = { ...thingLane(thingType(rules)), stream: `THINGS_${index}` };
      const ofOrders = { ...orderLane, stream: `ORDERS_${index}` };
      const [bad, good, order] = [`bad-${index}`, `good-${index}`, `order-${index}`];
      const batch = [
        thingEvent(lane, 1, bad, { eventType: "Counted", n: 1 }),
        orderEvent(1, order, "PaymentProcessed", { second: 1, status: "failed", lane: ofOrders }),
        thingEvent(lane, 2, bad, "Spoiled"),
        thingEvent(lane, 3, good, { eventType: "Counted", n: 3 }),
        thingEvent(lane, 4, bad, { eventType: "Counted", n: 4 }),
        orderEvent(2, order, "InventoryReserved", { second: 2, lane: ofOrders }),
      ];
      const { handled } = station.processor.apply(batch);
      expect(handled.map(({ outcome }) => outcome)).toEqual([
        ...["applied", "applied", "rejected", "applied", "parked", "applied"],
      ]);
      expect(handled[2]?.rejected).toMatchObject({ reason: "machine_error", error: expect.stringMatching(error) });
      expect(station.decisions(order)).toMatchObject([{ decisionType: "OrderRejected" }]);
      expect(station.decisions(good)).toHaveLength(1);
      expect(station.row(bad)).toMatchObject({ events: 1, completeness: 50, state: "open" });

      // One by one, as another daemon may have heard them.
      applyEach(other, batch);
      for (const id of [bad, good]) expect(outcomes(other, id)).toEqual(outcomes(station, id));

      // After a restart the same is wrong, and still of that actor only.
      const journal = createJournal(station.db);
      const restarted = createProcessor(
        journal,
        createHotActors(journal, 10, () => {}),
        { maxBytes: 65_536 },
      );
      expect(release(journal, restarted, lane, bad)?.handled.map(({ outcome }) => outcome)).toEqual([
        "rejected",
        "parked",
      ]);
      const later = [
        thingEvent(lane, 5, bad, { eventType: "Counted", n: 5 }),
        thingEvent(lane, 6, good, { eventType: "Counted", n: 3 }),
      ];
      expect(restarted.apply(later).handled.map(({ outcome }) => outcome)).toEqual(["parked", "applied"]);
    },
  );

  it("it is mended by a release after a fix, from where it was", () => {
    let isBroken = true;
    const lane = thingLane(thingType({ completeness: () => (isBroken ? Number.NaN : 50) }));
    using station = openStation();
    station.processor.apply([
      thingEvent(lane, 1, "t", { eventType: "Counted", n: 1 }),
      thingEvent(lane, 2, "t", { eventType: "Counted", n: 2 }),
    ]);
    isBroken = false;
    expect(release(station.journal, station.processor, lane, "t")?.handled.map(({ outcome }) => outcome)).toEqual([
      "applied",
      "applied",
    ]);
    expect(station.decisions("t")).toMatchObject([
      { n: 1, revision: 1 },
      { n: 2, revision: 2 },
    ]);
  });

  it.each<[string, ActorType["machine"], RegExp]>([
    [
      "raises events for ever",
      createMachine({ on: { Spoiled: { actions: raise({ type: "Spoiled" }) } } }),
      /Infinite loop detected/,
    ],
    [
      "starts another actor",
      createMachine({
        context: {},
        on: {
          Spoiled: {
            actions: assign(({ spawn }) => ({
              mail: spawn(
                fromPromise(async () => 1),
                { id: "mail" },
              ),
            })),
          },
        },
      }),
      /it starts mail: an actor calls nobody/,
    ],
    [
      "sets a delay",
      createMachine({ on: { Spoiled: { actions: raise({ type: "Counted" }, { delay: () => 10 }) } } }),
      /it sets a delay: an actor knows no clock/,
    ],
    [
      "changes the event",
      createMachine({
        on: {
          Spoiled: {
            actions: ({ event }) => {
              event.data.changed = true;
            },
          },
        },
      }),
      /object is not extensible/,
    ],
  ])("a machine that %s", (_what, machine, error) => {
    const lane = thingLane({ ...thingType(), machine });
    using station = openStation();
    const { handled } = station.processor.apply([
      thingEvent(lane, 1, "bad", "Spoiled"),
      orderEvent(2, "o", "OrderCreated", 1),
    ]);
    expect(handled.map(({ outcome }) => outcome)).toEqual(["rejected", "applied"]);
    expect(handled[0]?.rejected?.error).toMatch(error);
  });

  it("a machine that does not start at all", () => {
    let isBroken = true;
    const machine = createMachine({
      context: () => {
        if (isBroken) throw new Error("not today");
        return {};
      },
    });
    const lane = thingLane({ ...thingType(), machine });
    using station = openStation();
    const { handled } = station.processor.apply([
      thingEvent(lane, 1, "bad", { eventType: "Counted", n: 1 }),
      orderEvent(2, "o", "OrderCreated", 1),
    ]);
    expect(handled.map(({ outcome }) => outcome)).toEqual(["rejected", "applied"]);
    expect(handled[0]?.rejected?.error).toMatch(/not today/);
    isBroken = false;
    expect(release(station.journal, station.processor, lane, "bad")?.handled.map(({ outcome }) => outcome)).toEqual([
      "superseded",
    ]);
  });

  it("a standing decision that is damaged in the store", () => {
    const lane = thingLane(thingType());
    using station = openStation();
    station.processor.apply([thingEvent(lane, 1, "t", { eventType: "Counted", n: 1 })]);
    station.db.exec("UPDATE actors SET standing = '{'");
    station.actors.evict(lane, "t");
    const { handled } = station.processor.apply([
      thingEvent(lane, 2, "t", { eventType: "Counted", n: 2 }),
      thingEvent(lane, 3, "other", { eventType: "Counted", n: 2 }),
    ]);
    expect(handled.map(({ outcome }) => outcome)).toEqual(["rejected", "applied"]);
    expect(handled[0]?.rejected?.error).toMatch(/standing decision is damaged/);
  });

  it("derived anew from the log it is quarantined too, and the deriver goes on", () => {
    const lane = thingLane(thingType({ made: () => 1n }));
    const deliveries = [
      thingEvent(lane, 1, "bad", { eventType: "Counted", n: 1 }),
      thingEvent(lane, 2, "bad", "Spoiled"),
    ];
    const deriver = openDeriver(65_536);
    const stored = {
      ...{ row: null, events: [], ledger: [], imported: [], parked: [], isRetired: false },
      ...{ checkpoint: 2, decisionsKnownTo: 0 },
    };
    const log = { deliveries, firstSequence: 1, createdMs: 0, published: { decisions: [], firstSequence: 1 } };
    for (let times = 0; times < 2; times++) {
      const derived = atOnce(deriver.derive(lane, "bad", stored, log));
      expect([...derived.rejections]).toEqual([[2, "machine_error"]]);
      expect(derived.image.row).toMatchObject({ events: 1 });
    }
    deriver.close();
  });
});
