import { expect, it, vi } from "vitest";
import { createTurns } from "../../src/flow/turns.ts";
import { meterLane } from "./meters.ts";

it("a turn ends after an event that was heard, never while one is unfinished", () => {
  let nowMs = 0;
  using _ = vi.spyOn(performance, "now").mockImplementation(() => nowMs);
  const turns = createTurns();
  const [one, other] = ["one", "other"].map((actorId) => ({ lane: meterLane(), actorId }));
  if (one === undefined || other === undefined) throw new Error("two wait");
  turns.add(one);
  turns.add(other);
  expect(turns.next()).toBe(one);
  nowMs = 10_000;
  expect(turns.next()).toBe(one);
  turns.heard(one);
  expect(turns.next()).toBe(other);
  turns.heard(other);
  expect(turns.next()).toBe(other);
});

it("who was added by a batch that failed is forgotten, who was behind before is not", () => {
  const lane = meterLane();
  const turns = createTurns();
  turns.resume({ lane, actorId: "before" });
  turns.failed();
  turns.add({ lane, actorId: "before" });
  turns.add({ lane, actorId: "failed" });
  turns.failed();
  expect([turns.has(lane, "before"), turns.has(lane, "failed")]).toEqual([true, false]);
  turns.add({ lane, actorId: "since" });
  turns.committed();
  turns.failed();
  expect(turns.has(lane, "since")).toBe(true);
});

it("whose turn it is costs the same, however many wait", () => {
  const lane = meterLane();
  const turns = createTurns();
  for (let index = 0; index < 100_000; index++) turns.add({ lane, actorId: `meter-${index}` });
  const startedMs = performance.now();
  for (let index = 0; index < 64; index++) {
    const one = turns.next();
    expect(one?.actorId).toBe(`meter-${index}`);
    if (one !== undefined) turns.end(one);
  }
  // Copies of all who wait took 400 ms and more.
  expect(performance.now() - startedMs).toBeLessThan(100);
});
