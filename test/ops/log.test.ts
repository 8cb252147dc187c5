import fc from "fast-check";
import type { Logger } from "pino";
import { describe, expect, test } from "vitest";
import { readConfig } from "../../src/config/config.ts";
import type { BatchResult } from "../../src/flow/batch-result.ts";
import { createLogger, type LogOptions } from "../../src/ops/log.ts";
import { createPathLog } from "../../src/ops/path-log.ts";
import { redact } from "../../src/ops/redact.ts";
import { openPath, orderMessage } from "./order-path.ts";

type Line = Record<string, unknown>;

/** A logger that writes into memory. */
function capture(level: LogOptions["level"] = "info", pretty = false) {
  const written: string[] = [];
  const logger = createLogger({ level, pretty, destination: { write: (line) => void written.push(line) } });
  return { logger, written, lines: () => written.map((line) => JSON.parse(line) as Line) };
}

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

describe("a line", () => {
  test("is JSON with an ISO time, the level's name and the service", () => {
    const { logger, lines } = capture();
    logger.info({ answer: 42 }, "hello");
    const [line] = lines();
    expect(line).toEqual({ level: "info", time: expect.any(String), service: "natstate", answer: 42, msg: "hello" });
    expect(new Date(line?.time as string).toISOString()).toBe(line?.time);
  });

  test("on a terminal is for a person, and written at once", () => {
    const { logger, written } = capture("info", true);
    logger.info({ answer: 42 }, "hello");
    expect(written.join("")).toMatch(/^\[\d{4}-\d\d-\d\dT[\d:.]+Z\] .*INFO.*hello.*\n$/);
    expect(written.join("")).toContain("42");
    expect(written.join("")).not.toContain("natstate");
  });
});

describe("a batch", () => {
  test("says at info who decided what, for which event, and never a body", () => {
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

  test("says at debug what became of every event", () => {
    const events = logged("debug").filter((line) => line.msg === "event");
    expect(events).toMatchObject([
      { actorId: "o1", eventId: "p1", eventType: "PaymentProcessed", outcome: "applied", sequence: 1 },
      { actorId: "o1", eventId: "i1", eventType: "InventoryReserved", outcome: "applied", correlationId: "c1" },
      { actorId: "o1", eventId: "p1", outcome: "duplicate", sequence: 3 },
    ]);
  });

  test("warns of conflicts: of the first at once, then at most every 10 s, with their number, and never what they say", () => {
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

  test("is silent about decisions by default, so that thousands a second do not fill a disk", () => {
    using path = openPath();
    const { logger, lines } = capture("info");
    createPathLog(logger, { decisionLevel: readConfig({}).NATSTATE_LOG_DECISIONS }).committed?.(
      path.apply(...story()),
      1,
      1,
    );
    expect(lines().map(({ msg }) => msg)).toEqual(["dead letter"]);
  });

  test("names for each of many decisions the delivery that caused it", () => {
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

  test("does not take another order's event of the same id for the cause", () => {
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

  test("is not looked at when nothing of it would be written", () => {
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
});

describe("secrets", () => {
  const SECRET = "hunter2";
  const leaks: Record<string, (logger: Logger) => void> = {
    "a field": (logger) => logger.info({ password: SECRET }),
    "a field of any case": (logger) => logger.info({ Authorization: SECRET, NATS_CREDS: SECRET, natsPass: SECRET }),
    "a field deep inside": (logger) => logger.info({ a: { b: { c: [{ d: { e: { token: SECRET } } }] } } }),
    "a field that is no text": (logger) => logger.info({ creds: { jwt: SECRET, seed: [SECRET] } }),
    "a child logger": (logger) => logger.child({ token: SECRET, options: { pass: SECRET } }).info("hello"),
    "a URL in a field": (logger) => logger.info({ servers: ["nats://a:4222", `nats://user:${SECRET}@b:4222`] }),
    "a URL with a token": (logger) => logger.info({ url: `tls://${SECRET}@b:4222` }),
    "a URL with a quote, a slash and an at sign": (logger) => logger.info({ url: `nats://u:"/'@${SECRET}@b:4222` }),
    "a URL in the message": (logger) => logger.info(`connecting to nats://user:${SECRET}@host:4222`),
    "an error's message, stack and cause": (logger) => {
      const cause = new Error(`refused by nats://user:${SECRET}@host`);
      logger.error({ err: new Error(`no connection to nats://user:${SECRET}@host`, { cause }) }, "failed");
    },
    "an error's own fields": (logger) =>
      logger.error(Object.assign(new Error("failed"), { options: { pass: SECRET } })),
  };

  test.each(Object.entries(leaks))("in %s are never written", (_, log) => {
    for (const pretty of [false, true]) {
      const { logger, written } = capture("info", pretty);
      log(logger);
      expect(written.join("")).toContain("[redacted]");
      expect(written.join("")).not.toContain(SECRET);
    }
  });

  test("are taken out alone: the rest of the line stays", () => {
    const { logger, lines } = capture();
    logger.info({ servers: "nats://a:4222,nats://u:p@b:4222", user: "u", token: "t" }, "hello");
    expect(lines()).toMatchObject([
      { servers: "nats://a:4222,nats://[redacted]@b:4222", user: "u", token: "[redacted]", msg: "hello" },
    ]);
  });

  test("are not seen where there are none", () => {
    const line = `${JSON.stringify({ actorId: "token", msg: "ask me@example.com whether nats://a:4222 is back" })}\n`;
    expect(redact(line)).toBe(line);
    const apart = { msg: "nats://a:4222 is back, ask me@example.com" };
    expect(JSON.parse(redact(`${JSON.stringify(apart)}\n`))).toEqual(apart);
  });

  test("cost no quadratic time in a text made to look like many URLs", () => {
    const startedMs = performance.now();
    for (const error of ["://".repeat(300_000), `${"://@ ".repeat(200_000)}`, '\\"token'.repeat(100_000)]) {
      redact(`${JSON.stringify({ error })}\n`);
    }
    // Linear: 0.1 s. Quadratic: minutes.
    expect(performance.now() - startedMs).toBeLessThan(2000);
  });

  test("stay hidden under any key and in any place, and every line stays JSON", () => {
    const name = fc.constantFrom("password", "pass", "token", "creds", "authorization", "PASSWORD", "nats_token");
    fc.assert(
      fc.property(fc.jsonValue(), fc.array(fc.string(), { maxLength: 4 }), name, (value, path, key) => {
        const inner: unknown = { [key]: SECRET, other: value };
        const given = path.reduce((nested, step) => ({ [`${step}.`]: nested }), inner);
        const shown = redact(`${JSON.stringify({ given })}\n`);
        expect(() => JSON.parse(shown)).not.toThrow();
        expect(shown).not.toContain(SECRET);
      }),
      { numRuns: 200 },
    );
  });
});

test("a pretty line is one line that steers no terminal, whatever an event has put into it; stacks keep their lines", () => {
  const { logger, written } = capture("info", true);
  const evil = "a\x1b[2Jb\nc\u202ed\u2028e\x9bf";
  logger.warn({ actorId: evil, subject: evil }, evil);
  const [line = ""] = written;
  expect(line.trimEnd()).not.toMatch(/[\p{Cc}\p{Zl}\p{Cf}]/u);
  logger.error({ err: new Error(evil) }, "it failed");
  expect(written[1]).toMatch(/\n +at /);
  expect(written[1]?.replaceAll("\n", "")).not.toMatch(/[\p{Cc}\p{Zl}\p{Cf}]/u);
});
