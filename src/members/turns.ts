import { BusyError } from "../answers/questions.ts";

/** What an owner that does not answer keeps waiting is what is asked of it, and nothing else. */
const AT_ONCE = 8;
const WAITING = 64;

/**
 * Bounds the questions that are under way to other daemons: does work of one name so many at a time. Rejects with BusyError
 * when too many wait.
 */
export function createTurns() {
  const names = new Map<string, { running: number; readonly waiting: (() => void)[] }>();

  /** @param work - told what is left of the patience when its turn has come. */
  return async <Result>(
    name: string,
    patienceMs: number,
    tooLate: () => Error,
    work: (leftMs: number) => Promise<Result>,
  ): Promise<Result> => {
    const endMs = performance.now() + patienceMs;
    const queue = names.get(name) ?? { running: 0, waiting: [] };
    if (queue.waiting.length >= WAITING) {
      throw new BusyError("too many questions wait for other daemons: ask again in a moment");
    }
    names.set(name, queue);
    try {
      if (queue.running >= AT_ONCE) await new Promise<void>((resolve) => queue.waiting.push(resolve));
      else queue.running++;
      const leftMs = endMs - performance.now();
      if (leftMs <= 0) throw tooLate();
      return await work(leftMs);
    } finally {
      // Whoever waits takes the place over.
      const next = queue.waiting.shift();
      if (next !== undefined) next();
      else if (--queue.running === 0) names.delete(name);
    }
  };
}
