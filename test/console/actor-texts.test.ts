import { describe, expect, it } from "vitest";

/* What the page says of one actor. Its modules have no types outside the page. */

const page = new URL("../../src/console/page/", import.meta.url);
const texts = await import(new URL("actor-texts.js", page).href);
const { byEventTime, numberEvents } = await import(new URL("event-order.js", page).href);

const since = "2026-02-01T00:00:00.000Z";
const step = (eventType: string, eventId: string, second: number, outcome = "applied") => ({
  event: { eventType, eventId, timestamp: `2026-02-01T00:00:0${second}.000Z`, outcome, duplicates: 0 },
});

describe("an actor that is held", () => {
  const held = { error: "bill is held", since, parked: 0 };

  it("keeps nothing back: further events may mend it, or a release after a fix", () => {
    expect(texts.describeQuarantine(held)).toBe(
      `Since ${since}: bill is held. Its events are kept in its history. Each further event folds all of them again and may end this; after a fix of the machine, release it.`,
    );
    expect(texts.describeQuarantine({ ...held, parked: 1 })).toContain("1 event is kept back; once");
    expect(texts.describeWaiting(["Paid"], [], held)).toMatch(
      /^It waits for an event that mends it, or for its release/,
    );
    expect(texts.describeWaiting(["Paid"], [], { ...held, parked: 1 })).toMatch(/what arrives is kept back/);
  });

  it("is released with what became of its events", () => {
    const released = { released: true, applied: 2, parked: 0 };
    expect(texts.describeRelease(released)).toBe("Released: 2 applied.");
    const late = { ...released, reordered: 1, unhandled: 0, held: 0 };
    expect(texts.describeRelease(late)).toBe("Released: 2 applied, 1 reordered.");
    expect(texts.describeRelease({ ...late, released: false })).toBe("Its machine failed again.");
  });
});

it("who waits for no event is not said to know everything, and its delays are told", () => {
  expect(texts.describeWaiting([], [], undefined)).toBe("It waits for no event.");
  expect(texts.describeWaiting([], [{ path: "open", at: since }], undefined)).toBe(
    "It waits for no event. A delay runs: open until 2026-02-01 00:00:00.000.",
  );
});

it("equal event times are in the order of the fold: by event type, then event id, a tick last", () => {
  const steps = [
    step("TimePassed", "time:1", 1, "tick"),
    step("Paid", "a", 1),
    step("Opened", "z", 1),
    step("Opened", "y", 1),
    step("Noted", "x", 0),
  ];
  expect(byEventTime(steps)).toEqual([4, 3, 2, 1, 0]);
});

it("a tick is no event where events are counted", () => {
  const steps = [step("Opened", "a", 1), step("TimePassed", "time:2", 2, "tick")];
  expect(numberEvents(steps)).toEqual([1, 1]);
  expect(texts.describeArrivals(steps)).toBe("Of 1 event none came after one that happened later.");
});

it("event types are shown in words, those with dots as they are called", async () => {
  const { words } = await import(new URL("format.js", page).href);
  expect(["OrderCreated", "payment.received", "payment.cardExpired"].map(words)).toEqual([
    "Order created",
    "payment.received",
    "payment.cardExpired",
  ]);
});
