import { expect, it } from "vitest";
import { BusyError, createQuestions } from "../../src/answers/questions.ts";
import { atOnce, inOne, type Pieces, toJson } from "../../src/flow/pieces.ts";

/** So many pieces of at least a millisecond each. */
function* work(pieces: number, onPiece: () => void = () => {}): Pieces<void> {
  for (let piece = 0; piece < pieces; piece++) {
    const endMs = performance.now() + 1;
    while (performance.now() < endMs);
    onPiece();
    yield;
  }
}

it("whatever is asked at once, the rest of the process has its turn every few milliseconds", async () => {
  const door = createQuestions({ turnMs: 5 }).door();
  let pieces = 0;
  let most = 0;
  let isDone = false;
  const watch = () => {
    most = Math.max(most, pieces);
    pieces = 0;
    if (!isDone) setImmediate(watch);
  };
  const asked = Array.from({ length: 30 }, () => door.ask(work(10, () => pieces++)));
  setImmediate(watch);
  await Promise.all(asked);
  isDone = true;
  expect(most).toBeGreaterThan(0);
  expect(most).toBeLessThanOrEqual(6);
});

it("what waits at one door does not hold up another", async () => {
  const questions = createQuestions({ maxWaiting: 3, turnMs: 5 });
  const [crowded, free] = [questions.door(), questions.door()];
  let pieces = 0;
  const asked = [1, 2, 3].map(() => crowded.ask(work(50, () => pieces++)));
  await expect(crowded.ask(work(1))).rejects.toThrow("too many questions at once, 3 wait: ask again in a moment");
  await free.ask(work(1));
  expect(pieces).toBeLessThanOrEqual(12);
  await Promise.all(asked);
  expect(pieces).toBe(150);
  await crowded.ask(work(1));
});

it("a question that fails is told so, and the next is answered", async () => {
  const door = createQuestions().door();
  const failed = door.ask(
    inOne(() => {
      throw new Error("no such table");
    }),
  );
  const answered = door.ask(work(1));
  await expect(failed).rejects.toThrow("no such table");
  await answered;
});

it("who has waited for longer than anybody waits for an answer is not answered any more", async () => {
  const door = createQuestions({ maxWaitMs: 20 }).door();
  const first = door.ask(work(50));
  const second = door.ask(work(1));
  await first;
  await expect(second).rejects.toBeInstanceOf(BusyError);
  await door.ask(work(1));
});

it("JSON in pieces is JSON", () => {
  const value = {
    id: "a",
    none: undefined,
    list: [1, undefined, { b: null }],
    empty: [],
    nested: { list: [2] },
    no: null,
  };
  expect(atOnce(toJson(value))).toBe(JSON.stringify(value));
});
