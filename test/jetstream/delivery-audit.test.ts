import { expect, it } from "vitest";
import { createDeliveryAudit, type Delivered, type DeliveryAudit } from "../../src/jetstream/delivery-audit.ts";

/** A session that began at 0 ms, with so many deliveries arrived. */
function session(arrived = 0): {
  audit: DeliveryAudit;
  check(atMs: number, says: Partial<Delivered>): string | undefined;
} {
  const audit = createDeliveryAudit(() => 0);
  audit.begin();
  for (let count = 0; count < arrived; count++) audit.count();
  const nothing = { count: 0, unacknowledged: 0, pending: 0, isPinned: true };
  return { audit, check: (askedAtMs, says) => audit.check({ ...nothing, askedAtMs, ...says }) };
}

it("what was delivered and has not arrived by the next time went elsewhere", () => {
  const { check } = session(3);
  expect(check(1000, { count: 10 })).toBeUndefined();
  expect(check(1200, { count: 10 })).toBeUndefined();
  expect(check(1300, { count: 10 })).toBe("10 were delivered, 3 have arrived");
});

it("deliveries on their way are no trouble while some arrive", () => {
  const { audit, check } = session();
  for (let ms = 1000; ms < 60_000; ms += 1000) {
    expect(check(ms, { count: ms })).toBeUndefined();
    audit.count();
  }
});

it("a server that is slow to send gets twice the time after each time that was not enough, until something arrives", () => {
  const { audit, check } = session();
  for (const graceMs of [300, 600, 1200]) {
    check(1000, { count: 5 });
    expect(check(1000 + graceMs - 1, { count: 5 })).toBeUndefined();
    expect(check(1000 + graceMs, { count: 5 })).toBeDefined();
    audit.begin();
  }
  audit.count();
  check(1000, { count: 5 });
  expect(check(1300, { count: 5 })).toBeDefined();
});

it("a pin without deliveries is another client's, when it is seen twice", () => {
  const { check } = session();
  expect(check(1000, { isPinned: true })).toBeUndefined();
  expect(check(1300, { isPinned: true })).toBe("the pin is another client's");
  const unpinned = session();
  expect(unpinned.check(1000, { isPinned: false })).toBeUndefined();
  expect(unpinned.check(1300, { isPinned: true })).toBeUndefined();
});

it("an answer about the session before says nothing", () => {
  const { check } = session();
  expect(check(-1, { count: 100 })).toBeUndefined();
  expect(check(1000, { count: 0, isPinned: false })).toBeUndefined();
  expect(check(2000, { count: 0, isPinned: false })).toBeUndefined();
});

it("it has caught up when what was there at first is applied, whatever has come since", () => {
  const { audit, check } = session(2);
  check(100, { count: 2, unacknowledged: 2, pending: 3 });
  expect(audit.isCaughtUp()).toBe(false);
  for (let count = 0; count < 8; count++) audit.count();
  check(400, { count: 10, unacknowledged: 6, pending: 100 });
  expect(audit.isCaughtUp()).toBe(false);
  check(700, { count: 12, unacknowledged: 7, pending: 1000 });
  expect(audit.isCaughtUp()).toBe(true);
  audit.begin();
  check(800, { count: 0, pending: 5, isPinned: false });
  expect(audit.isCaughtUp()).toBe(false);
  // Purged.
  check(900, { count: 0, pending: 0, isPinned: false });
  expect(audit.isCaughtUp()).toBe(true);
  audit.begin();
  expect(audit.isCaughtUp()).toBe(false);
  // Delivered to, and acknowledged by, another client.
  check(1000, { count: 5, unacknowledged: 0 });
  expect(audit.isCaughtUp()).toBe(false);
});

it("a server that has not been heard of for long may hold more by now", () => {
  let nowMs = 100;
  const audit = createDeliveryAudit(() => nowMs);
  audit.begin();
  const nothing = { count: 0, unacknowledged: 0, pending: 0, isPinned: false };
  audit.check({ ...nothing, askedAtMs: 200 });
  nowMs = 15_000;
  expect(audit.isCaughtUp()).toBe(true);
  nowMs = 15_300;
  expect(audit.isCaughtUp()).toBe(false);
  audit.check({ ...nothing, askedAtMs: 15_200 });
  expect(audit.isCaughtUp()).toBe(true);
});

it("a lane is unserved when messages wait for 10 s and none arrives, in however many sessions", () => {
  const { audit, check } = session();
  const waiting = { count: 0, pending: 50, isPinned: false };
  for (const ms of [1000, 6000, 10_900]) {
    check(ms, waiting);
    audit.begin();
    expect(audit.isUnserved()).toBe(false);
  }
  check(11_000, waiting);
  expect(audit.isUnserved()).toBe(true);
  audit.count();
  expect(audit.isUnserved()).toBe(false);
});

it("a lane is served when what it has is still to be applied, and nobody was there to serve for a long time between", () => {
  const { audit, check } = session(5);
  for (let ms = 0; ms < 60_000; ms += 5000) check(ms, { count: 5, unacknowledged: 5, pending: 50 });
  expect(audit.isUnserved()).toBe(false);
  check(60_000, { count: 5, pending: 50 });
  check(90_000, { count: 5, pending: 50 });
  expect(audit.isUnserved()).toBe(false);
});
