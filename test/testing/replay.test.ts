import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, it } from "vitest";
import { checkout } from "../../examples/checkout/actors.ts";
import { exportHistory } from "../../src/answers/history-export.ts";
import { hostActor } from "../../src/testing/hosted-actor.ts";
import { replay } from "../../src/testing/replay.ts";

const directory = mkdtempSync(join(tmpdir(), "natstate-replay-"));
afterAll(() => rmSync(directory, { recursive: true }));

/** A history as the daemon answers it, of a checkout that expired by a tick and was paid in time all the same. */
function history() {
  const actor = hostActor(checkout, "C-1");
  const at = (minute: number) => `2026-01-01T10:${minute}:00.000Z`;
  actor.hear({ eventType: "CheckoutStarted", timestamp: at(10), total: 40 }, Date.parse(at(10)));
  actor.pass(at(40), Date.parse(at(40)));
  const paid = { eventType: "PaymentReceived", timestamp: at(20), amount: 40, method: "card" };
  actor.hear(paid, Date.parse(at(50)));
  const events = actor.events().map(({ type, storedAtMs, body, ...event }) => ({
    ...{ ...event, eventType: type, receivedAt: new Date(storedAtMs).toISOString(), data: JSON.parse(body) },
    ...{ outcome: "applied" as const, duplicates: 0, conflicts: 0 },
  }));
  const decisions = actor.payloads().map((payload, index) => ({
    ...(JSON.parse(payload) as object),
    ...{ published: true, sequence: index + 1 },
  }));
  return exportHistory(checkout, "C-1", actor.standing(), { total: 3, events, decisions });
}

function write(content: object): string {
  const file = join(directory, "history.json");
  writeFileSync(file, JSON.stringify(content));
  return file;
}

it("a history comes to the same by the rules of then, and says where it differs by others", () => {
  const file = write(history());
  replay(checkout, file);
  const stricter = { ...checkout, conclude: () => ({ content: null }) };
  expect(() => replay(stricter, file)).toThrow(
    /revision 1: \{"decisionType":"CheckoutClosed","reason":"expired","toReturn":0\} then, none now/,
  );
  expect(() => replay(checkout, write({ ...history(), state: "expired" }))).toThrow(
    'state: "expired" then, "paid" now',
  );
});

it("a history that is not whole, or of another type, is refused", () => {
  expect(() => replay(checkout, write({ ...history(), total: 4 }))).toThrow("events: only the latest 3 of 4");
  expect(() => replay({ ...checkout, name: "cart" }, write(history()))).toThrow("type: expected cart, found checkout");
});
