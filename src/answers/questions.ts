import type { Pieces } from "../flow/pieces.ts";

/** Too many ask at once, or the question has waited for so long that nobody waits for its answer any more. */
export class BusyError extends Error {
  override readonly name = "BusyError";
}

/** Answers questions one after the other, beside the path of events. */
export type Questions = ReturnType<typeof createQuestions>;

/** Where questions of one kind come in. */
export type Door = ReturnType<Questions["door"]>;

export interface QuestionsOptions {
  /** Questions that may wait at one door. */
  readonly maxWaiting?: number;
  /** Whoever asked has given up by then: half a second less than askers over NATS wait. */
  readonly maxWaitMs?: number;
  /** What is done between two turns of the event loop; a piece that was begun is ended. */
  readonly turnMs?: number;
}

interface Waiting {
  readonly answering: Pieces<void>;
  readonly sinceMs: number;
  readonly done: () => void;
  readonly failed: (error: unknown) => void;
}

/**
 * Questions share the event loop with the events: they get 5 ms, then a batch of events gets its turn, and so on. Two
 * thousand questions for long histories at once held up decisions by 9 s without.
 */
export function createQuestions(options: QuestionsOptions = {}) {
  const { maxWaiting = 256, maxWaitMs = 4500, turnMs = 5 } = options;
  /** At each door the first is being answered. */
  const doors: Waiting[][] = [];
  let isScheduled = false;

  function schedule(): void {
    if (isScheduled) return;
    isScheduled = true;
    setImmediate(takeTurn);
  }

  function takeTurn(): void {
    isScheduled = false;
    const queue = doors.find((waiting) => waiting.length > 0);
    if (queue === undefined) return;
    // Next time it is another door's turn.
    doors.push(...doors.splice(doors.indexOf(queue), 1));
    const endMs = performance.now() + turnMs;
    while (queue.length > 0 && performance.now() < endMs) advance(queue);
    schedule();
  }

  /** One piece of the first question. */
  function advance(queue: Waiting[]): void {
    const first = queue[0];
    if (first === undefined) return;
    try {
      if (!first.answering.next().done) return;
      first.done();
    } catch (error) {
      first.failed(error);
    }
    queue.shift();
    const nowMs = performance.now();
    while (queue[0] !== undefined && nowMs - queue[0].sinceMs > maxWaitMs)
      queue.shift()?.failed(busy(queue.length + 1));
  }

  return {
    /** What waits at one door holds up none at another. */
    door() {
      const queue: Waiting[] = [];
      doors.push(queue);
      return {
        /**
         * Answers when it is the question's turn.
         *
         * @param answering - finds the answer and gives it.
         * @returns rejects with BusyError, or with what `answering` throws.
         */
        ask(answering: Pieces<void>): Promise<void> {
          if (queue.length >= maxWaiting) return Promise.reject(busy(queue.length));
          return new Promise((done, failed) => {
            queue.push({ answering, sinceMs: performance.now(), done, failed });
            schedule();
          });
        },
      };
    },
  };
}

function busy(waiting: number): BusyError {
  return new BusyError(`too many questions at once, ${waiting} wait: ask again in a moment`);
}
