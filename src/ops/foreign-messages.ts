import { LRUCache } from "lru-cache";
import type { Logger } from "pino";

/** Subjects remembered as named; one that comes again after so many others is named again. */
const MAX_NAMED = 10_000;

/** @returns names messages that somebody else wrote to a stream of natstate's, each subject once. */
export function createForeignMessages(
  logger: Logger,
): (stream: string, subject: string, sequences: readonly number[]) => void {
  const named = new LRUCache<string, true>({ max: MAX_NAMED });
  return (stream, subject, sequences) => {
    if (named.has(subject)) return;
    named.set(subject, true);
    logger.warn(
      { stream, subject, sequences: sequences.slice(0, 10) },
      "a message that natstate did not write is passed over; who may publish there?",
    );
  };
}
