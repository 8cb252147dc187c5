import type { ActorType } from "../actor/actor-type.ts";
import type { Release } from "../answers/quarantine.ts";
import type { BatchResult } from "../flow/batch-result.ts";
import type { Journal } from "../flow/journal.ts";
import { unpark } from "../flow/parked.ts";
import type { Processor } from "../flow/processor.ts";
import type { Lane } from "../wire/lanes.ts";

export interface ReleaseOptions {
  readonly journal: Journal;
  readonly processor: Processor;
  readonly laneOf: (type: ActorType, actorId: string) => Lane;
  /** False of a lane that is being given away, or not yet ready: what is done to it here would be lost. Absent: always. */
  readonly isOurs?: (lane: Lane) => boolean;
  /** As after any other batch; `commitMs` is the time it took. */
  readonly onCommitted: (result: BatchResult, commitMs: number) => void;
}

/**
 * Ends an actor's quarantine and applies its parked events in stream order. When its machine fails again, the rest is
 * parked again. Of a merge type that is one transaction. By event time it is as much as fits the share of a batch, the
 * first heavy event to its end; what is left follows with later batches. Of one whose facts are all kept, they are folded
 * anew.
 *
 * @returns undefined when the actor is not quarantined.
 * @throws when the commit fails; then nothing happened.
 */
export function release(journal: Journal, processor: Processor, lane: Lane, actorId: string): BatchResult | undefined {
  const type = lane.type.name;
  if (!journal.isQuarantined(type, actorId)) return undefined;
  return processor.again((batch) => {
    if (lane.type.ordering === "merge") {
      batch.tallies.add(lane, "quarantined", -1);
      journal.endQuarantine(type, actorId);
      for (const row of journal.takeParked(type, actorId)) batch.parked(unpark(lane, row));
      return;
    }
    // What is heard may end it; where nothing has, all is tried once more.
    batch.catchUp(lane, actorId);
    if (journal.isQuarantined(type, actorId) && !journal.hasParked(type, actorId)) batch.retry(lane, actorId);
  });
}

/** @returns undefined also of an actor whose lane is not ours at this moment. */
export function createRelease({
  journal,
  processor,
  laneOf,
  isOurs = () => true,
  onCommitted,
}: ReleaseOptions): Release {
  return (type, actorId) => {
    const startedMs = performance.now();
    const lane = laneOf(type, actorId);
    const result = isOurs(lane) ? release(journal, processor, lane, actorId) : undefined;
    if (result === undefined) return undefined;
    onCommitted(result, performance.now() - startedMs);
    const count = (wanted: string) => result.handled.filter(({ outcome }) => outcome === wanted).length;
    const failed = journal.isQuarantined(type.name, actorId);
    const byEventTime = { reordered: count("reordered"), unhandled: count("unhandled"), held: count("held") };
    const isAgain = result.handled.some(({ rejected }) => rejected?.reason === "machine_error");
    return {
      [type.idField]: actorId,
      released: !failed,
      applied: count("applied"),
      superseded: count("superseded"),
      duplicate: count("duplicate"),
      conflict: count("conflict"),
      // The event that failed again is kept back too.
      rejected: count("rejected") - Number(isAgain),
      parked: count("parked") + Number(isAgain),
      ...(type.ordering !== "merge" && byEventTime),
      decisions: result.decisions.length,
    };
  };
}
