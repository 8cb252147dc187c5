import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { orderType } from "../../machines/order/order.ts";
import type { ActorType } from "../../src/actor/actor-type.ts";
import type { ActorAnswer, ActorHistory } from "../../src/answers/queries.ts";
import { renderActor, renderHistory } from "../../src/cli/actors-text.ts";
import { renderDeadLetter, renderDeadLetters } from "../../src/cli/dead-letters-text.ts";
import { print, printJson, say, table } from "../../src/cli/output.ts";
import type { DeadLetterMessage } from "../../src/jetstream/dead-letters.ts";
import { toLine } from "../../src/ops/terminal-text.ts";

const order = orderType as ActorType;
/** Clears the screen, breaks the line in each way there is, turns the direction of reading, hides a word. */
const EVIL = "a\x1b[2Jb\rc\nd\u2028e\x85f\u202eg\u2066h\u200fi\u{e0041}j\u0007";
const STEERS = /[^\P{C}\n\u200c\u200d]|[\u2028\u2029]/u;

let out = "";
beforeEach(() => {
  out = "";
  const write = (text: string | Uint8Array) => {
    out += text;
    return true;
  };
  vi.spyOn(process.stdout, "write").mockImplementation(write);
  vi.spyOn(process.stderr, "write").mockImplementation(write);
});
afterEach(() => void vi.restoreAllMocks());

const event = {
  eventId: EVIL,
  eventType: "OrderCreated",
  timestamp: "2026-01-01T00:00:00Z",
  receivedAt: "2026-01-01T00:00:00Z",
  outcome: "applied",
  duplicates: 0,
  conflicts: 0,
  sequence: 1,
  correlationId: EVIL,
} as const;
const letter: DeadLetterMessage = {
  sequence: 1,
  reason: "invalid_event",
  error: EVIL,
  subject: "orders.o.OrderCreated",
  stream: "ORDERS",
  streamSequence: 1,
  redrivenFrom: null,
  deadAt: "2026-01-01T00:00:00Z",
  bytes: 3,
  headers: [[EVIL, EVIL]],
  body: Buffer.from(`{"a":"${EVIL.replaceAll(/[\x1b\x07]/g, "")}"}`),
};
const actor = {
  orderId: "o",
  processingStatus: "pending",
  dataCompleteness: 20,
  decision: { decisionType: "OrderRejected", reason: EVIL, revision: 1, supersedes: null },
  version: 1,
  lastUpdated: "2026-01-01T00:00:00Z",
  eventHistory: [event],
  waitingFor: [],
  customerInfo: { customerId: EVIL, [EVIL]: EVIL },
} as unknown as ActorAnswer;
const history = {
  total: 1,
  events: [{ ...event, data: { customerId: EVIL } }],
  decisions: [{ ...(actor.decision as object), published: true, sequence: 1, causationId: EVIL }],
} as unknown as ActorHistory;

describe("what publishers wrote", () => {
  it.each([
    ["an order", () => renderActor(order, actor), 13],
    ["a history", () => renderHistory(order, "o", history), 11],
    ["dead letters", () => renderDeadLetters([letter]), 2],
    ["a dead letter", () => renderDeadLetter(letter), 11],
  ])("in %s neither steers the terminal nor makes a line of its own", (_what, render, lines) => {
    print(render());
    expect(out).not.toMatch(STEERS);
    expect(out).toContain("\\u202e");
    expect(out.trimEnd().split("\n")).toHaveLength(lines);
  });

  it("stays the same JSON", () => {
    printJson({ value: EVIL });
    expect(out).not.toMatch(STEERS);
    expect(JSON.parse(out)).toEqual({ value: EVIL });
  });

  it("is harmless in what a command says of itself", () => {
    say(EVIL);
    expect(out).not.toMatch(STEERS);
  });

  it("keeps what is only text", () => {
    const text = "Grüße, 注文 👩‍💻 می‌خواهم";
    expect(toLine(text)).toBe(text);
  });
});

describe("a table", () => {
  it("is aligned by what a terminal shows, not by letters", () => {
    expect(
      table(
        ["id", "city"],
        [
          ["注文", "Wien"],
          ["o", null],
        ],
      ),
    ).toEqual(["id    city", "注文  Wien", "o     -"]);
  });

  it("fits a terminal by its widest cells; the first column, which is copied, stays whole", () => {
    const rows = [["o-123456789012345678901234567890", "x".repeat(60), "short"]];
    const [, line = ""] = table(["id", "error", "at"], rows, 60);
    expect(line).toHaveLength(60);
    expect(line).toMatch(/^o-123456789012345678901234567890 {2}x+… {2}short$/);
  });

  it("of 20,000 rows takes no longer for each of them", () => {
    const rows = Array.from({ length: 20_000 }, (_, index) => [`order-${index}`, "confirmed", "100 %", index]);
    const startedMs = performance.now();
    expect(table(["id", "state", "known", "seq"], rows)).toHaveLength(20_001);
    expect(performance.now() - startedMs).toBeLessThan(3000);
  });
});
