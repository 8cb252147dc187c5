import { expect, it } from "vitest";
import { type RetentionOptions, startRetention } from "../../src/care/retention.ts";
import type { History } from "../../src/flow/retired.ts";
import { createTestClock, type TestClock } from "../clock.ts";
import { orderLane } from "../flow/delivery.ts";
import { orderEvent } from "../flow/order-events.ts";
import { openRetentionStation, RETAIN_MS, type RetentionStation } from "./retention-station.ts";

/** Orders `a` and `b` retired, and a late event about each. */
function openWanted(): RetentionStation {
  const station = openRetentionStation();
  for (const [index, id] of ["a", "b"].entries()) {
    station.take(
      orderEvent(2 * index + 1, id, "PaymentProcessed", { second: 1, status: "failed" }),
      orderEvent(2 * index + 2, id, "InventoryReserved", 2),
    );
  }
  station.passTime();
  expect(station.retire()).toBe(2);
  for (const [index, id] of ["a", "b"].entries()) {
    station.take(orderEvent(90_000_000 + index, id, "OrderCreated", 3));
  }
  return station;
}

/** Late events are looked after so soon, what failed is tried again, and a step of retiring follows one that left nothing. */
const LOOK_MS = 200;
const RETRY_MS = 2000;
const REST_MS = 1000;

/** Runs it beside what happens in `during`. */
async function run(
  station: RetentionStation,
  options: Partial<RetentionOptions>,
  during: (clock: TestClock) => Promise<unknown>,
): Promise<string[]> {
  const said: string[] = [];
  const clock = createTestClock();
  const end = startRetention({
    types: [orderLane.type],
    rows: station.rows,
    retirement: station.retirement,
    restoration: station.restoration,
    retainMs: null,
    idleLanes: () => [orderLane],
    laneOf: () => orderLane,
    readHistory: async (_lane, actorId, upTo) => station.history(actorId, upTo),
    checkStream: async () => {},
    onCommitted: () => said.push("committed"),
    onRetired: (_type, count) => said.push(`retired ${count}`),
    onRestored: (_lane, { actorId }, restored) => said.push(`${actorId} ${restored ? "restored" : "lost"}`),
    onTrouble: (error) => said.push(error.message),
    clock,
    ...options,
  });
  try {
    await during(clock);
  } finally {
    end();
    end();
  }
  return said;
}

it("looks at those that are old and not settled at a quarter of the rate at which it retires", async () => {
  using station = openRetentionStation();
  const count = async (retired: number) => {
    let steps = 0;
    const step = () => {
      steps++;
      return { retired, hasMore: true };
    };
    await run(station, { retainMs: RETAIN_MS, retirement: { step } }, async ({ pass }) => {
      for (let tenths = 0; tenths < 30; tenths++) await pass(100);
    });
    return steps;
  };
  expect(await count(0)).toBeLessThanOrEqual(12);
  expect(await count(1)).toBeGreaterThanOrEqual(20);
});

it("brings back who is wanted in the store when it starts", async () => {
  using station = openWanted();
  const said = await run(station, {}, ({ pass }) => pass(LOOK_MS));
  expect(station.count("retired")).toBe(0);
  expect(said.sort()).toEqual(["a restored", "b restored", "committed", "committed"]);
});

it("an order whose history cannot be read now stops no other, and is tried again", async () => {
  using station = openWanted();
  let isAway = true;
  const readHistory = async (_lane: unknown, actorId: string, upTo: number): Promise<History> => {
    if (actorId === "a" && isAway) throw new Error("away");
    return station.history(actorId, upTo);
  };
  const said = await run(station, { readHistory }, async ({ pass }) => {
    await pass(LOOK_MS);
    expect(station.row("b")).toBeDefined();
    isAway = false;
    await pass(RETRY_MS - 1);
    expect(station.rows.find("order", "a")?.status).toBe("wanted");
    await pass(1);
  });
  expect(said).toEqual(["committed", "b restored", "away", "committed", "a restored"]);
});

it("a store that cannot be read now is tried again", async () => {
  using station = openWanted();
  let isBusy = true;
  const wanted: typeof station.rows.wanted = (...asked) => {
    if (isBusy) throw new Error("busy");
    return station.rows.wanted(...asked);
  };
  const onTrouble = () => {
    isBusy = false;
  };
  const rows = { ...station.rows, wanted };
  await run(station, { rows, onTrouble }, ({ pass }) => pass(LOOK_MS + RETRY_MS));
  expect(station.count("retired")).toBe(0);
});

it("says nothing of a stream that is not the one it knows", async () => {
  using station = openWanted();
  station.orders.splice(0);
  const checkStream = () => Promise.reject(new Error("another stream"));
  expect(await run(station, { checkStream }, ({ pass }) => pass(LOOK_MS))).toEqual(["another stream"]);
  expect(station.rows.find("order", "a")?.status).toBe("wanted");
  expect(station.count("parked")).toBe(2);
});

it("leaves alone who went to another owner while its history was read, and everybody once it is ended", async () => {
  using station = openWanted();
  let isOurs = true;
  const readHistory = async (_lane: unknown, actorId: string, upTo: number): Promise<History> => {
    isOurs = false;
    return station.history(actorId, upTo);
  };
  const laneOf = () => (isOurs ? orderLane : undefined);
  await run(station, { readHistory, laneOf }, ({ pass }) => pass(LOOK_MS));
  expect(isOurs).toBe(false);
  expect(station.count("retired WHERE status = 'wanted'")).toBe(2);

  let release: (history: History) => void = () => {};
  const slow = () => new Promise<History>((resolve) => (release = resolve));
  await run(station, { readHistory: slow }, ({ pass }) => pass(LOOK_MS));
  expect(release).toHaveLength(1);
  release(station.history("b", station.rows.find("order", "b")?.sequence));
  await new Promise(setImmediate);
  expect(station.count("retired WHERE status = 'wanted'")).toBe(2);
});

it("retires while there is nothing else to do, and only then", async () => {
  using station = openWanted();
  station.db.exec("UPDATE retired SET status = 'kept'; DELETE FROM parked");
  station.take(orderEvent(90_000_010, "c", "PaymentProcessed", { second: 1, status: "failed" }));
  station.take(orderEvent(90_000_011, "c", "InventoryReserved", 2));
  station.passTime();
  let isBusy = true;
  const idleLanes = () => (isBusy ? [] : [orderLane]);
  const said = await run(station, { idleLanes, retainMs: RETAIN_MS }, async ({ pass }) => {
    await pass(REST_MS);
    expect(station.row("c")).toBeDefined();
    isBusy = false;
    await pass(REST_MS);
    expect(station.row("c")).toBeUndefined();
  });
  expect(said).toEqual(["retired 1"]);
});
