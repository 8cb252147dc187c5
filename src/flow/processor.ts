import { decide } from "./decide.ts";
import { type DecodeLimits, decode } from "./decode.ts";
import { type HotActor, type HotActors, ReplayError } from "./hot-actors.ts";
import type {
  BatchResult,
  DeadLetterRow,
  Delivery,
  Handled,
  Journal,
  Lane,
  LedgerRow,
  Move,
  Observation,
  Rejected,
  RetiredRow,
} from "./ports.ts";
import type { Probe } from "./probe.ts";
import { parkedRow, unpark } from "./quarantine.ts";
import { isRejected, oneLine } from "./rejection.ts";
import { orderRetired } from "./retired.ts";
import { createTallies, type Tallies, wholePercent } from "./tallies.ts";
import { transit } from "./transit.ts";

/** Applies deliveries to actors. */
export interface Processor {
  /**
   * Applies a batch in the order given and commits all its effects in one transaction.
   *
   * Deliveries at or below their lane's checkpoint are skipped. Safe to repeat after an error.
   *
   * @throws when the commit fails; then nothing happened, and every actor the batch touched is evicted.
   */
  apply(batch: readonly Delivery[]): BatchResult;
  /**
   * Ends an actor's quarantine and applies its parked events in stream order, in one transaction. When its machine
   * fails again, the rest is parked again.
   *
   * @returns undefined when the actor is not quarantined.
   */
  release(lane: Lane, actorId: string): BatchResult | undefined;
  /**
   * Applies events that were heard before, in one transaction with what else `work` writes.
   *
   * @throws when the commit fails, as {@link Processor.apply}.
   */
  again(work: (batch: Again) => void): BatchResult;
}

/** An open batch of events that were heard before. */
export interface Again {
  /** Applies an event whose effects were given up. Nothing is counted or decided: both were done when it was new. */
  past(delivery: Delivery): Handled;
  /** Applies an event that was kept back. */
  parked(delivery: Delivery): void;
  /** Dead-letters an event that was kept back. */
  dismiss(delivery: Delivery, rejected: Rejected): void;
  readonly tallies: Tallies;
}

/** When an event was heard: for the first time; before, and kept back; or before and applied, but given up since. */
type Heard = "now" | "parked" | "past";

/** One open batch: what it has gathered so far. */
interface Batch {
  readonly handled: Handled[];
  readonly decisions: LedgerRow[];
  readonly deadLetters: DeadLetterRow[];
  readonly moves: Move[];
  readonly touched: Set<HotActor>;
  readonly checkpoints: Map<Lane, number>;
  readonly tallies: Tallies;
}

/**
 * The path of an event (docs/lifecycle.md):
 *
 *   skip what is committed -> decode -> find the actor -> recognise duplicates -> transition -> decide -> commit
 *
 * Everything is synchronous inside one SQLite transaction, so a process can die between two batches, never within one.
 */
export function createProcessor(
  journal: Journal,
  actors: HotActors,
  limits: DecodeLimits,
  probe: Probe = () => {},
): Processor {
  return {
    apply: (deliveries) =>
      commit((batch) => {
        for (const delivery of deliveries) batch.handled.push(handle(delivery, batch));
      }),
    release(lane, actorId) {
      if (!journal.isQuarantined(lane.type.name, actorId)) return undefined;
      return commit((batch) => {
        batch.tallies.add(lane, "quarantined", -1);
        journal.endQuarantine(lane.type.name, actorId);
        for (const row of journal.takeParked(lane.type.name, actorId)) {
          batch.handled.push(act(unpark(lane, row), batch, "parked"));
        }
      });
    },
    again: (work) =>
      commit((batch) =>
        work({
          past: (delivery) => act(delivery, batch, "past"),
          parked: (delivery) => void batch.handled.push(act(delivery, batch, "parked")),
          dismiss: (delivery, rejected) => void batch.handled.push(reject(delivery, rejected, batch)),
          tallies: batch.tallies,
        }),
      ),
  };

  function commit(work: (batch: Batch) => void): BatchResult {
    const batch = openBatch();
    try {
      return journal.transaction(() => {
        work(batch);
        probe("applied");
        const result = close(batch);
        probe("in_transaction");
        return result;
      });
    } catch (error) {
      for (const actor of batch.touched) actors.evict(actor.lane, actor.id);
      throw error;
    } finally {
      actors.closeBatch();
    }
  }

  function handle(delivery: Delivery, batch: Batch): Handled {
    const { lane, sequence } = delivery;
    const checkpoint = batch.checkpoints.get(lane) ?? journal.checkpoint(lane);
    if (sequence <= checkpoint) return { delivery, outcome: "skipped" };
    batch.checkpoints.set(lane, sequence);
    return act(delivery, batch, "now");
  }

  function act(delivery: Delivery, batch: Batch, heard: Heard): Handled {
    const { lane } = delivery;
    const observation = decode(delivery, limits);
    if (isRejected(observation)) {
      return heard === "past"
        ? { delivery, outcome: "rejected", rejected: observation }
        : reject(delivery, observation, batch);
    }
    const { actorId } = observation;
    if (journal.isQuarantined(lane.type.name, actorId)) return park(delivery, observation, batch, heard);
    const actor = findActor(delivery, actorId);
    if (actor instanceof ReplayError) return quarantine(delivery, observation, actor, batch, heard);
    // Whoever has events has a row, and is not retired.
    const retired = actor.events === 0 ? journal.findRetired(lane.type.name, actorId) : undefined;
    if (retired !== undefined) return hearLate(delivery, observation, retired, batch);
    const recorded = record(actor, delivery, observation);
    if (recorded === "again") return { delivery, outcome: "skipped", observation };
    if (recorded !== "new") {
      if (heard !== "past") batch.tallies.add(lane, `events:${recorded}`, 1);
      return { delivery, outcome: recorded, observation };
    }
    const from = actor.live.state();
    const transition = transit(actor, observation);
    if (transition.kind === "error") {
      journal.forgetEvent(actor.key, observation);
      return quarantine(delivery, observation, transition.error, batch, heard);
    }
    batch.touched.add(actor);
    if (heard !== "past") {
      batch.tallies.add(lane, `events:${transition.kind}`, 1);
      noteMoves(actor, from, batch);
    }
    actor.events++;
    actor.updatedAtMs = delivery.storedAtMs;
    if (transition.kind === "superseded") journal.markSuperseded(actor.key, observation);
    else if (heard !== "past") decide(journal, actor, delivery, observation, transition.conclusion, batch);
    return { delivery, outcome: transition.kind, observation };
  }

  /** The store's own trouble is thrown and stops everything; what is wrong with one actor stops that one only. */
  function findActor({ lane, storedAtMs }: Delivery, actorId: string): HotActor | ReplayError {
    try {
      return actors.find(lane, actorId, storedAtMs);
    } catch (error) {
      if (error instanceof ReplayError) return error;
      throw error;
    }
  }

  /** The actor may not begin anew: the event waits until it is brought back, see `restoration.ts`. */
  function hearLate(delivery: Delivery, observation: Observation, retired: RetiredRow, batch: Batch): Handled {
    const { lane } = delivery;
    actors.evict(lane, observation.actorId);
    // A stream that is read again from its first message; this one had been applied.
    if (delivery.sequence <= retired.sequence) return { delivery, outcome: "skipped", observation };
    if (retired.status === "lost") return reject(delivery, orderRetired(lane, retired), batch);
    if (retired.status === "kept") journal.wantRetired(retired.type, retired.actorId);
    return park(delivery, observation, batch, "now");
  }

  function noteMoves(actor: HotActor, from: string, { moves }: Batch): void {
    const type = actor.lane.type.name;
    const to = actor.live.state();
    if (actor.events === 0) moves.push({ type, from: null, to: from });
    if (to !== from) moves.push({ type, from, to });
  }

  function record(actor: HotActor, delivery: Delivery, observation: Observation) {
    return journal.recordEvent({
      actorKey: actor.key,
      eventId: observation.eventId,
      type: observation.type,
      timestamp: observation.timestamp,
      storedAtMs: delivery.storedAtMs,
      sequence: delivery.sequence,
      correlationId: observation.correlationId,
      body: JSON.stringify(observation.data),
    });
  }

  /** The event that failed is told as a dead letter once, and kept to be tried again with all that follow it. */
  function quarantine(
    delivery: Delivery,
    { actorId, type: eventType }: Observation,
    cause: Error,
    batch: Batch,
    heard: Heard,
  ): Handled {
    const { lane } = delivery;
    const type = lane.type.name;
    const error = oneLine(`${type} machine failed on ${eventType}: ${cause.message}`);
    journal.quarantine({ type, actorId, partition: lane.partition, eventType, error, sinceMs: delivery.storedAtMs });
    journal.park(parkedRow(delivery, actorId));
    batch.tallies.add(lane, "quarantined", 1);
    const rejected: Rejected = { reason: "machine_error", error };
    return heard === "parked" ? { delivery, outcome: "rejected", rejected } : reject(delivery, rejected, batch);
  }

  function park(delivery: Delivery, observation: Observation, batch: Batch, heard: Heard): Handled {
    journal.park(parkedRow(delivery, observation.actorId));
    if (heard === "now") batch.tallies.add(delivery.lane, "events:parked", 1);
    return { delivery, outcome: "parked", observation };
  }

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

  function close(batch: Batch): BatchResult {
    const completeness: number[] = [];
    for (const actor of batch.touched) completeness.push(save(actor, batch.tallies));
    for (const [lane, sequence] of batch.checkpoints) journal.saveCheckpoint(lane, sequence);
    batch.tallies.save(journal);
    const { handled, decisions, deadLetters, moves } = batch;
    return { handled, decisions, deadLetters, moves, completeness };
  }

  function save(actor: HotActor, tallies: Tallies): number {
    const { lane, live, standing, completeness } = actor;
    const state = live.state();
    const decisionType = standing?.decisionType ?? null;
    const row = {
      ...live.persist(),
      key: actor.key,
      type: lane.type.name,
      id: actor.id,
      partition: lane.partition,
      rowVersion: actor.rowVersion,
      state,
      completeness,
      events: actor.events,
      revision: actor.revision,
      standing: standing === null ? null : JSON.stringify(standing),
      decisionType,
      firstSeenAtMs: actor.firstSeenAtMs,
      updatedAtMs: actor.updatedAtMs,
    };
    journal.saveActor(row, actor.saved);
    actors.weigh(actor, row.snapshot.length);
    tallies.move(lane, "state", actor.saved?.state, state);
    tallies.move(lane, "standing", actor.saved?.decisionType, decisionType);
    const before = actor.saved === null ? null : wholePercent(actor.saved.completeness);
    tallies.move(lane, "completeness", before, wholePercent(completeness));
    actor.saved = { state, decisionType, completeness };
    actor.rowVersion++;
    return completeness;
  }
}

function openBatch(): Batch {
  return {
    handled: [],
    decisions: [],
    deadLetters: [],
    moves: [],
    touched: new Set(),
    checkpoints: new Map(),
    tallies: createTallies(),
  };
}
