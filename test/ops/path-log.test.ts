import { expect, test } from "vitest";
import { readConfig } from "../../src/config/config.ts";
import type { BatchResult } from "../../src/flow/batch-result.ts";
import type { LogOptions } from "../../src/ops/log.ts";
import { createPathLog } from "../../src/ops/path-log.ts";
import { capture, type Line } from "./captured-log.ts";
import { openPath, orderMessage } from "./order-path.ts";

/** What is logged of an order paid, reserved, paid again by the same event, and of one message that cannot be read. */
function logged(level: LogOptions["level"]): Line[] {
  using path = openPath();
  const { logger, lines } = capture(level);
  createPathLog(logger, { decisionLevel: "info" }).committed?.(path.apply(...story()), 1, 1);
  return lines();
}

function story() {
  const paid = {
    ...orderMessage("o1", "PaymentProcessed", "p1"),
    amount: 1,
    status: "successful",
    correlationId: "c1",
  };
  const reserved = {
    ...orderMessage("o1", "InventoryReserved", "i1"),
    reservedItems: { "sku-secret-sauce": 1 },
    warehouseId: "west",
    correlationId: "c1",
  };
  return [paid, reserved, paid, '{"iban":"DE02 1203","orderId":"o1","eventType":oops}'];
}

test("a batch says at info who decided what, for which event, and never a body", () => {
  const lines = logged("info");
  expect(lines).toMatchObject([
    {
      level: "info",
      msg: "decision",
      actorType: "order",
      actorId: "o1",
      decisionType: "OrderConfirmed",
      revision: 1,
      causationId: "i1",
      sequence: 2,
      correlationId: "c1",
    },
    {
      level: "warn",
      msg: "dead letter",
      actorType: "order",
      reason: "malformed_json",
      error: expect.any(String),
      subject: "orders.0.o1.OrderCreated",
      stream: "ORDERS",
      sequence: 4,
    },
  ]);
  expect(JSON.stringify(lines)).not.toMatch(/sku-secret-sauce|west|DE02/);
});

test("a batch says at debug what became of every event", () => {
  const events = logged("debug").filter((line) => line.msg === "event");
  expect(events).toMatchObject([
    { actorId: "o1", eventId: "p1", eventType: "PaymentProcessed", outcome: "applied", sequence: 1 },
    { actorId: "o1", eventId: "i1", eventType: "InventoryReserved", outcome: "applied", correlationId: "c1" },
    { actorId: "o1", eventId: "p1", outcome: "duplicate", sequence: 3 },
  ]);
});

test("a batch warns of conflicts: of the first at once, then at most every 10 s, with their number, and never what they say", () => {
  using path = openPath();
  const { logger, lines } = capture();
  let nowMs = 0;
  const pathLog = createPathLog(logger, { decisionLevel: "debug", now: () => nowMs });
  const secret = (amount: number) => ({
    ...orderMessage("o1", "PaymentProcessed", "p1"),
    amount,
    status: "failed",
    method: "secret-sauce",
  });
  for (const [index, amount] of [1, 1, 2, 3, 4].entries()) {
    nowMs = index === 4 ? 20_000 : 5000;
    pathLog.committed?.(path.apply(secret(amount)), 1, nowMs);
  }
  const said = { level: "warn", actorId: "o1", eventType: "PaymentProcessed", eventId: "p1", stream: "ORDERS" };
  expect(lines()).toMatchObject([
    { ...said, sequence: 3, conflicts: 1 },
    { ...said, sequence: 5, conflicts: 2 },
  ]);
  expect(JSON.stringify(lines())).not.toContain("secret-sauce");
});

test("a batch is silent about decisions by default, so that thousands a second do not fill a disk", () => {
  using path = openPath();
  const { logger, lines } = capture("info");
  createPathLog(logger, { decisionLevel: readConfig({}).NATSTATE_LOG_DECISIONS }).committed?.(
    path.apply(...story()),
    1,
    1,
  );
  expect(lines().map(({ msg }) => msg)).toEqual(["dead letter"]);
});

test("a batch names for each of many decisions the delivery that caused it", () => {
  using path = openPath();
  const result = path.apply(
    ...["a", "b", "c"].flatMap((id) => [
      { ...orderMessage(id, "PaymentProcessed", `${id}-p`), amount: 1, status: "failed" },
      { ...orderMessage(id, "InventoryReserved", `${id}-i`), reservedItems: { sku: 1 }, warehouseId: "w" },
      { ...orderMessage(id, "PaymentProcessed", `${id}-p2`, 9), amount: 1, status: "successful" },
    ]),
  );
  const { logger, lines } = capture();
  createPathLog(logger, { decisionLevel: "info" }).committed?.(result, 1, 1);
  expect(lines().map(({ actorId, revision, sequence }) => `${actorId} ${revision} ${sequence}`)).toEqual([
    "a 1 2",
    "a 2 3",
    "b 1 5",
    "b 2 6",
    "c 1 8",
    "c 2 9",
  ]);
});

test("a batch does not take another order's event of the same id for the cause", () => {
  using path = openPath();
  const inventory = { reservedItems: { sku: 1 }, warehouseId: "w" };
  const result = path.apply(
    { ...orderMessage("a", "PaymentProcessed", "1"), amount: 1, status: "successful" },
    { ...orderMessage("b", "InventoryReserved", "2"), ...inventory },
    { ...orderMessage("a", "InventoryReserved", "2"), ...inventory },
  );
  const { logger, lines } = capture();
  createPathLog(logger, { decisionLevel: "info" }).committed?.(result, 1, 1);
  expect(lines()).toMatchObject([{ actorId: "a", causationId: "2", sequence: 3 }]);
});

test("a batch is not looked at when nothing of it would be written", () => {
  const { logger, written } = capture("error");
  let looks = 0;
  const get = <Row extends object>(row: Row, name: string | symbol): unknown => {
    looks++;
    return Reflect.get(row, name);
  };
  const watched = <Row extends object>(rows: readonly Row[]) => rows.map((row) => new Proxy<Row>(row, { get }));
  using path = openPath();
  const { handled, decisions, deadLetters, completeness, moves } = path.apply(...story());
  const result: BatchResult = {
    handled: watched(handled),
    decisions: watched(decisions),
    deadLetters: watched(deadLetters),
    completeness,
    moves,
  };
  createPathLog(logger, { decisionLevel: "info" }).committed?.(result, 1, 1);
  expect({ looks, written }).toEqual({ looks: 0, written: [] });
});
