import type { Logger } from "pino";
import type { Handled } from "../flow/batch-result.ts";

const SILENCE_MS = 10_000;

/**
 * Warns of events whose id their actor had heard before with other content, without saying the content: the first at
 * once, then at most one line in 10 s. `conflicts` is how many there were since the line before.
 *
 * @param now - ms since the epoch.
 */
export function createConflictLog(logger: Logger, now: () => number = Date.now): (handled: readonly Handled[]) => void {
  let silentUntilMs = 0;
  let conflicts = 0;
  return (handled) => {
    for (const { outcome, observation, delivery } of handled) {
      if (outcome !== "conflict" || observation === undefined) continue;
      conflicts++;
      if (now() < silentUntilMs) continue;
      silentUntilMs = now() + SILENCE_MS;
      logger.warn(
        {
          actorType: delivery.lane.type.name,
          actorId: observation.actorId,
          eventType: observation.type,
          eventId: observation.eventId,
          stream: delivery.lane.stream,
          sequence: delivery.sequence,
          conflicts,
        },
        "conflict: an event under an id that was heard before with other content; the first heard counts",
      );
      conflicts = 0;
    }
  };
}
