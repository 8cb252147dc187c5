import { expect, it } from "vitest";
import { createMachine } from "xstate";
import type { ActorType } from "../../src/actor/actor-type.ts";
import { type DueRenewalOptions, startDueRenewal } from "../../src/flow/due-renewal.ts";
import { createDueVersions, createFindDue } from "../../src/store/due-actors.ts";
import { encodeTick } from "../../src/wire/tick.ts";
import { createTestClock } from "../clock.ts";
import { until } from "../until.ts";
import { deliver } from "./delivery.ts";
import { openStation, type Station } from "./station.ts";
import { waitingLane, waitingType } from "./waiting-type.ts";

const lane = waitingLane();
const FOREVER = "9999-12-31T23:59:59.999999999Z";

/** A claim lapses 55 minutes after it was filed, no longer an hour. */
function raised(states: object = { filed: { after: { 3300000: "lapsed" }, on: { Paid: "paid" } } }): ActorType {
  const { machine } = waitingType();
  const config = { ...machine.config, states: { ...machine.config.states, ...states } };
  return { ...waitingType(), machine: createMachine(config as never), version: 2 };
}

/** Stored at 00:00 on 1 March. */
function say(sequence: number, claimId: string, eventType: "Filed" | "Paid", of = lane) {
  const body = {
    claimId,
    eventType,
    timestamp: `2026-02-28T23:${10 + sequence}:00Z`,
    eventId: `e-${sequence}`,
    amount: 1,
  };
  return deliver(sequence, `claims.${claimId}.${eventType}`, body, { lane: of });
}

/** Two that wait, and one that does not. */
function open(): Station {
  const station = openStation();
  station.processor.apply([say(1, "c-1", "Filed"), say(2, "c-2", "Filed"), say(3, "c-3", "Paid")]);
  return station;
}

/** What it has been told, once it is through. */
async function renew(station: Station, type: ActorType, more: Partial<DueRenewalOptions> = {}): Promise<number[]> {
  const clock = createTestClock();
  const told: number[] = [];
  const options = {
    ...{ types: [type], versions: createDueVersions(station.db), journal: station.journal, actors: station.actors },
    ...{ clock, laneOf: () => ({ ...lane, type }) },
    onRenewed: (_: ActorType, changed: number) => void told.push(changed),
    onTrouble(error: Error) {
      throw error;
    },
    ...more,
  };
  const renewal = startDueRenewal(options);
  await until("it is through", async () => {
    await clock.pass(10_000);
    return clock.waiting() === 0 && options.versions.find(type) === type.version;
  });
  renewal.stop();
  return told;
}

const waiting = ({ db }: Station) => createFindDue(db)(lane, FOREVER, 10);

it("who waits by another delay since the version was raised is found, without an event", async () => {
  using station = open();
  expect(waiting(station).map(({ due }) => due)).toEqual(["2026-03-01T00:11:00.000Z", "2026-03-01T00:12:00.000Z"]);
  expect(await renew(station, raised())).toEqual([2]);
  expect(waiting(station)).toEqual([
    { actorId: "c-1", due: "2026-03-01T00:06:00.000Z" },
    { actorId: "c-2", due: "2026-03-01T00:07:00.000Z" },
  ]);
  const of = { ...lane, type: raised() };
  const tick = encodeTick(of.type, "c-1", "2026-03-01T00:06:00.000Z");
  station.processor.apply([
    { ...deliver(4, "claims.c-1.TimePassed", tick, { lane: of }), storedAtMs: Date.parse("2026-03-01T00:06:02Z") },
  ]);
  expect(waiting(station)).toMatchObject([{ actorId: "c-2" }]);
  expect(station.row("c-1")).toMatchObject({ state: "lapsed", machine_version: 2, due: null });
});

it("who waited for nothing may wait now; who waits no longer is told so by the tick it waited for", async () => {
  using station = open();
  const before = waiting(station);
  await renew(station, raised({ paid: { after: { 3600000: "lapsed" } }, filed: { on: { Filed: {}, Paid: "paid" } } }));
  expect(waiting(station)).toEqual([...before, { actorId: "c-3", due: "2026-03-01T00:13:00.000Z" }]);
});

it("is done once for a version: of a store that knows it no actor is looked at", async () => {
  using station = open();
  await renew(station, raised());
  const versions = createDueVersions(station.db);
  const looked: number[] = [];
  const stretch: typeof versions.stretch = (type, after, limit) => {
    looked.push(after);
    return versions.stretch(type, after, limit);
  };
  expect(await renew(station, raised(), { versions: { ...versions, stretch } })).toEqual([]);
  expect(looked).toEqual([]);
});

it("what is heard of an actor while it is folded anew is not overwritten", async () => {
  using station = open();
  const type = raised();
  const eventsOf: typeof station.journal.eventsOf = (actor) => {
    const events = [...station.journal.eventsOf(actor)];
    if (station.row("c-1").state === "filed") {
      station.actors.evict(lane, "c-1");
      station.processor.apply([say(5, "c-1", "Paid", { ...lane, type })]);
    }
    return events;
  };
  await renew(station, type, { journal: { ...station.journal, eventsOf } });
  expect(waiting(station)).toMatchObject([{ actorId: "c-2" }]);
  expect(station.row("c-1")).toMatchObject({ state: "paid", due: null });
});

it("one that is ended in the middle leaves the rest to the next start, and says nothing of a store that is closed", async () => {
  const clock = createTestClock();
  const station = open();
  const troubles: Error[] = [];
  const versions = createDueVersions(station.db);
  const renewal = startDueRenewal({
    ...{ types: [raised()], journal: station.journal, actors: station.actors, clock, laneOf: () => lane },
    versions: {
      ...versions,
      saveDue(...due) {
        versions.saveDue(...due);
        renewal.stop();
        station[Symbol.dispose]();
      },
    },
    onRenewed: () => expect.unreachable(),
    onTrouble: (error) => troubles.push(error),
  });
  await clock.pass(10_000);
  for (let turn = 0; turn < 100; turn++) await new Promise(setImmediate);
  expect([troubles, clock.waiting()]).toEqual([[], 0]);
});

it("rows of an older version that come into the store later are folded anew at once, not by the next start", async () => {
  using station = openStation();
  const clock = createTestClock();
  const type = raised();
  const versions = createDueVersions(station.db);
  const told: number[] = [];
  const renewal = startDueRenewal({
    ...{ types: [type], versions, journal: station.journal, actors: station.actors, clock },
    ...{ laneOf: () => ({ ...lane, type }), onRenewed: (_: ActorType, changed: number) => void told.push(changed) },
    onTrouble(error) {
      throw error;
    },
  });
  const through = () =>
    until("it is through", async () => {
      await clock.pass(10_000);
      return clock.waiting() === 0 && versions.find(type) === 2;
    });
  await through();
  renewal.lookAgain();
  expect(clock.waiting()).toBe(0);
  // As a copy is adopted.
  station.processor.apply([say(1, "c-1", "Filed")]);
  station.db.exec("DELETE FROM due_versions");
  renewal.lookAgain();
  await through();
  renewal.stop();
  expect(told).toEqual([0, 1]);
  expect(waiting(station)).toMatchObject([{ actorId: "c-1", due: expect.stringMatching(/^2026-03-01T00:06/) }]);
});
