import type { Clock } from "../src/flow/clock.ts";

/** Time that passes when a test says so. */
export interface TestClock extends Clock {
  /** How many things wait. */
  waiting(): number;
  /** What is due within so many ms is done, in its order; what that begins has a turn in between. */
  pass(ms: number): Promise<void>;
}

export function createTestClock(): TestClock {
  let nowMs = 0;
  let due: { readonly atMs: number; readonly work: () => void }[] = [];
  return {
    now: () => nowMs,
    waiting: () => due.length,
    after(ms, work) {
      const entry = { atMs: nowMs + ms, work };
      due.push(entry);
      return () => {
        due = due.filter((other) => other !== entry);
      };
    },
    async pass(ms) {
      const endMs = nowMs + ms;
      for (;;) {
        const [next] = due.toSorted((a, b) => a.atMs - b.atMs);
        if (next === undefined || next.atMs > endMs) break;
        nowMs = next.atMs;
        due = due.filter((other) => other !== next);
        next.work();
        await new Promise(setImmediate);
      }
      nowMs = endMs;
    },
  };
}
