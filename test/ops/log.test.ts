import fc from "fast-check";
import type { Logger } from "pino";
import { describe, expect, test } from "vitest";
import { redact } from "../../src/ops/redact.ts";
import { capture } from "./captured-log.ts";

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
    // Linear: 0.1 s, seconds where many share the machine. Quadratic: minutes.
    expect(performance.now() - startedMs).toBeLessThan(20_000);
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
