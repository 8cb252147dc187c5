import { expect, test } from "vitest";
import { NotSettledError, settle } from "../../src/demo/settle.ts";

const settled = { handled: 5, decided: 2, decisionsPublished: 2, rejected: 1, deadLettersPublished: 1 };
const { signal } = new AbortController();

test("it has settled when all is applied and every decision and dead letter is in its stream", async () => {
  const steps = [
    { ...settled, handled: 4 },
    { ...settled, decisionsPublished: 1 },
    { ...settled, rejected: 2 },
  ];
  const seen: unknown[] = [];
  await settle({
    read: async () => steps.shift() ?? settled,
    deliveries: 5,
    signal,
    onProgress: (now) => seen.push(now),
  });
  expect(seen).toHaveLength(4);
});

test("when nothing moves any more, the error says what is missing", async () => {
  const stuck = { ...settled, handled: 3, decisionsPublished: 0 };
  const result = settle({ read: async () => stuck, deliveries: 5, stalledAfterMs: 50, signal });
  await expect(result).rejects.toThrow(NotSettledError);
  await expect(result).rejects.toThrow(/: 3 of 5 messages applied, 0 of 2 decisions published$/);
});

test("an abort ends the wait with its reason", async () => {
  const reason = new Error("enough");
  await expect(settle({ read: async () => settled, deliveries: 6, signal: AbortSignal.abort(reason) })).rejects.toBe(
    reason,
  );
});
