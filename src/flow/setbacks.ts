import type { Rejected } from "../wire/rejection.ts";
import { oneLine } from "../wire/rejection.ts";
import type { Arrival } from "./arrival.ts";
import type { Batch } from "./batch.ts";
import type { Handled } from "./batch-result.ts";
import type { Delivery, Observation } from "./delivery.ts";
import { FoldFault } from "./hosts/fold.ts";
import type { HotActors } from "./hot-actors.ts";
import type { Journal } from "./journal.ts";
import { parkedRow } from "./parked.ts";
import { actorRetired } from "./retired.ts";
import type { DeadLetterRow, RetiredRow } from "./rows.ts";

/** What becomes of a delivery that is not applied. */
export interface Setbacks {
  /** It can never be: a dead letter. */
  reject(delivery: Delivery, rejected: Rejected, batch: Batch): Handled;
  /** Its actor is in quarantine: kept back. */
  park(delivery: Delivery, observation: Observation, batch: Batch): Handled;
  /** Its actor is in quarantine, and so it was when this event was heard before. */
  parkAgain(delivery: Delivery, observation: Observation): Handled;
  /** Its actor failed on it: from now on that one is in quarantine. It is kept, to be tried again with all that follow it. */
  quarantine(delivery: Delivery, observation: Observation, cause: Error, batch: Batch): Rejected;
  /** Its actor's facts cannot be folded, or its rules fail on them. They are kept, and further ones may mend it. */
  hold(arrival: Arrival, cause: Error, batch: Batch): Pick<Handled, "held">;
  /** Its actor is held no longer. */
  mend(arrival: Arrival, batch: Batch): void;
  /** Its actor was retired and may not begin anew: it waits until that one is brought back, see `restoration.ts`. */
  hearLate(delivery: Delivery, observation: Observation, retired: RetiredRow, batch: Batch): Handled;
}

export function createSetbacks(journal: Journal, actors: HotActors): Setbacks {
  return { reject, park, parkAgain, quarantine, hold, mend, hearLate };

  function reject(delivery: Delivery, rejected: Rejected, batch: Batch): Handled {
    const { lane } = delivery;
    const row: DeadLetterRow = {
      type: lane.type.name,
      stream: lane.stream,
      partition: lane.partition,
      sequence: delivery.sequence,
      former: 0,
      subject: delivery.subject,
      reason: rejected.reason,
      error: rejected.error,
      storedAtMs: delivery.storedAtMs,
      body: delivery.body,
      headers: JSON.stringify(delivery.headers()),
    };
    if (journal.recordDeadLetter(row)) batch.deadLetters.push(row);
    batch.tallies.add(lane, `dead:${rejected.reason}`, 1);
    return { delivery, outcome: "rejected", rejected };
  }

  function park(delivery: Delivery, observation: Observation, batch: Batch): Handled {
    batch.tallies.add(delivery.lane, "events:parked", 1);
    return parkAgain(delivery, observation);
  }

  function parkAgain(delivery: Delivery, observation: Observation): Handled {
    journal.park(parkedRow(delivery, observation.actorId));
    return { delivery, outcome: "parked", observation };
  }

  function quarantine(delivery: Delivery, observation: Observation, cause: Error, batch: Batch): Rejected {
    const { lane, storedAtMs: sinceMs } = delivery;
    const { actorId, type: eventType } = observation;
    const type = lane.type.name;
    const error = oneLine(`${type} machine failed on ${eventType}: ${cause.message}`);
    if (!journal.isQuarantined(type, actorId)) batch.tallies.add(lane, "quarantined", 1);
    journal.quarantine({ type, actorId, partition: lane.partition, eventType, error, sinceMs });
    journal.park(parkedRow(delivery, actorId));
    return { reason: "machine_error", error };
  }

  function hold({ actor, observation, delivery, isHeld }: Arrival, cause: Error, batch: Batch): Pick<Handled, "held"> {
    const { lane, id: actorId } = actor;
    const type = lane.type.name;
    const { type: eventType, eventId } = observation;
    // A fault of the fold names the event itself; a rule looks at none.
    const isFault = cause instanceof FoldFault || cause.cause instanceof FoldFault;
    const error = oneLine(`${type} is held${isFault ? "" : ` after ${eventType} ${eventId}`}: ${cause.message}`);
    journal.quarantine({ type, actorId, partition: lane.partition, eventType, error, sinceMs: delivery.storedAtMs });
    if (isHeld) return {};
    batch.tallies.add(lane, "quarantined", 1);
    return { held: error };
  }

  function mend({ actor: { lane, id } }: Arrival, batch: Batch): void {
    journal.endQuarantine(lane.type.name, id);
    batch.tallies.add(lane, "quarantined", -1);
  }

  function hearLate(delivery: Delivery, observation: Observation, retired: RetiredRow, batch: Batch): Handled {
    const { lane } = delivery;
    actors.evict(lane, observation.actorId);
    // A stream that is read again from its first message; this one had been applied.
    if (delivery.sequence <= retired.sequence) return { delivery, outcome: "skipped", observation };
    if (retired.status === "lost") return reject(delivery, actorRetired(lane, retired), batch);
    if (retired.status === "kept") journal.wantRetired(retired.type, retired.actorId);
    return park(delivery, observation, batch);
  }
}
