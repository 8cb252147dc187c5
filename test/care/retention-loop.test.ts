import { expect, it } from "vitest";
import { type RetentionOptions, startRetention } from "../../src/care/retention.ts";
import type { History } from "../../src/flow/retired.ts";
import { orderLane } from "../flow/delivery.ts";
import { orderEvent } from "../flow/order-events.ts";
import { until } from "../until.ts";
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

/** Runs it beside what happens in `during`. */
async function run(
  station: RetentionStation,
  options: Partial<RetentionOptions>,
  during: () => Promise<unknown>,
): Promise<string[]> {
  const said: string[] = [];
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
    ...options,
  });
  try {
    await during();
  } finally {
    end();
    end();
  }
  return said;
}

const isBack = (station: RetentionStation, id: string) => () => station.row(id) !== undefined;

it("brings back who is wanted in the store when it starts", async () => {
  using station = openWanted();
  const said = await run(station, {}, () => until("both are back", () => station.count("retired") === 0));
  expect(said.sort()).toEqual(["a restored", "b restored", "committed", "committed"]);
});

it("an order whose history cannot be read now stops no other, and is tried again", async () => {
  using station = openWanted();
  let isAway = true;
  const readHistory = async (_lane: unknown, actorId: string, upTo: number): Promise<History> => {
    if (actorId === "a" && isAway) throw new Error("away");
    return station.history(actorId, upTo);
  };
  const said = await run(station, { readHistory }, async () => {
    await until("b is back", isBack(station, "b"));
    expect(station.rows.find("order", "a")?.status).toBe("wanted");
    isAway = false;
    await until("a is back", isBack(station, "a"));
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
  await run(station, { rows, onTrouble }, () => until("both are back", () => station.count("retired") === 0));
  expect(isBusy).toBe(false);
});

it("says nothing of a stream that is not the one it knows", async () => {
  using station = openWanted();
  station.orders.splice(0);
  const checkStream = () => Promise.reject(new Error("another stream"));
  let said: string[] = [];
  const onTrouble = ({ message }: Error) => {
    said = [message];
  };
  const done = await run(station, { checkStream, onTrouble }, () => until("it has looked", () => said.length > 0));
  expect([...said, ...done]).toEqual(["another stream"]);
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
  await run(station, { readHistory, laneOf }, async () => {
    await until("it was read", () => !isOurs);
    await new Promise(setImmediate);
  });
  expect(station.count("retired WHERE status = 'wanted'")).toBe(2);

  let release: (history: History) => void = () => {};
  const slow = () => new Promise<History>((resolve) => (release = resolve));
  const reading = until("it is being read", () => release.length > 0);
  await run(station, { readHistory: slow }, () => reading);
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
  let looks = 0;
  const idleLanes = () => {
    looks++;
    return isBusy ? [] : [orderLane];
  };
  const said = await run(station, { idleLanes, retainMs: RETAIN_MS }, async () => {
    await until("it has looked", () => looks > 0);
    expect(station.row("c")).toBeDefined();
    isBusy = false;
    await until("c is retired", () => station.row("c") === undefined);
  });
  expect(said).toEqual(["retired 1"]);
});
