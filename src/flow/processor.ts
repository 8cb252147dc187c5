import { TIME_PASSED } from "../actor/delays.ts";
import { isRejected } from "../wire/rejection.ts";
import { createAct } from "./act.ts";
import { type Backlog, createBacklog } from "./backlog.ts";
import { type Batch, createCommit } from "./batch.ts";
import type { BatchResult, Handled } from "./batch-result.ts";
import type { ReachCrashPoint } from "./crash-points.ts";
import { type DecodeLimits, decode } from "./decode.ts";
import type { Delivery } from "./delivery.ts";
import type { Hearable } from "./fold-ahead.ts";
import { type Again, createHearings, type Hearing } from "./hearing.ts";
import { findOrFail, type HotActors } from "./hot-actors.ts";
import type { Journal } from "./journal.ts";
import { ReplayError } from "./rebuild.ts";
import { createSetbacks } from "./setbacks.ts";

/** Applies deliveries to actors. */
export interface Processor {
  /** Who has more to do than fits a batch; each `apply` catches up some of it first. */
  readonly backlog: Pick<Backlog, "size" | "resume" | "forget">;
  /**
   * Applies a batch in the order given and commits all its effects in one transaction.
   *
   * Deliveries at or below their lane's checkpoint are skipped. Safe to repeat after an error.
   *
   * @throws when the commit fails; then nothing happened, and every actor the batch touched is evicted.
   */
  apply(batch: readonly Delivery[]): BatchResult;
  /** Applies events that were heard before, in one transaction with what else `work` writes. @throws as `apply` does. */
  again(work: (batch: Again) => void): BatchResult;
}

interface ProcessorLimits extends DecodeLimits {
  /** Facts that are folded again for one actor in one batch, about; what is more waits for the next ones. Some 5 ms by default. */
  readonly maxFolded?: number;
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
  limits: ProcessorLimits,
  reached: ReachCrashPoint = () => {},
): Processor {
  const setbacks = createSetbacks(journal, actors);
  const { now, parked, past } = createHearings(journal, setbacks);
  const catchingUp = { ...parked };
  const act = createAct(journal, actors);
  const backlog = createBacklog(journal, actors, {
    find,
    maxFolded: limits.maxFolded,
    apply: (delivery, batch) => hear(delivery, batch, catchingUp),
  });
  const commit = createCommit(journal, actors, { reached, committed: backlog.committed, failed: backlog.failed });
  return {
    backlog,
    apply: (deliveries) =>
      commit((batch) => {
        backlog.catchUp(batch);
        for (const delivery of deliveries) batch.handled.push(handle(delivery, batch));
      }),
    again: (work) =>
      commit((batch) =>
        work({
          past: (delivery) => hear(delivery, batch, past),
          parked: (delivery) => void batch.handled.push(hear(delivery, batch, parked)),
          catchUp: (lane, actorId) => backlog.begin({ lane, actorId }, batch),
          retry: (lane, actorId) => act.retry(lane, actorId, now, batch),
          dismiss: (delivery, rejected) => void batch.handled.push(setbacks.reject(delivery, rejected, batch)),
          tallies: batch.tallies,
        }),
      ),
  };

  function handle(delivery: Delivery, batch: Batch): Handled {
    const { lane, sequence } = delivery;
    const checkpoint = batch.checkpoints.get(lane)?.sequence ?? journal.checkpoint(lane);
    if (sequence <= checkpoint) return { delivery, outcome: "skipped" };
    batch.checkpoints.set(lane, delivery);
    return hear(delivery, batch, now);
  }

  function find(delivery: Delivery): Hearable | undefined {
    const observation = decode(delivery, limits);
    if (isRejected(observation) || observation.type === TIME_PASSED) return undefined;
    const actor = findOrFail(() => actors.find(delivery.lane, observation.actorId, delivery.storedAtMs));
    return actor instanceof ReplayError ? undefined : { actor, observation };
  }

  function hear(delivery: Delivery, batch: Batch, hearing: Hearing): Handled {
    const { lane } = delivery;
    const observation = decode(delivery, limits);
    if (isRejected(observation)) return hearing.reject(delivery, observation, batch);
    const isHeld = journal.isQuarantined(lane.type.name, observation.actorId);
    const isKeptBack = isHeld && hearing !== catchingUp && backlog.keepsBack(lane, observation.actorId);
    if (isKeptBack) return hearing.park(delivery, observation, batch);
    const actor = findOrFail(() => actors.find(lane, observation.actorId, delivery.storedAtMs));
    if (actor instanceof ReplayError) {
      return isHeld ? hearing.park(delivery, observation, batch) : hearing.fail(delivery, observation, actor, batch);
    }
    // Whoever has events has a row, and is not retired. A tick brings nobody back.
    const isNew = actor.events === 0 && observation.type !== TIME_PASSED;
    const retired = isNew ? journal.findRetired(lane.type.name, actor.id) : undefined;
    if (retired !== undefined) return setbacks.hearLate(delivery, observation, retired, batch);
    if (hearing === now && backlog.isBehind({ actor, observation }, batch))
      return hearing.park(delivery, observation, batch);
    return act.hear({ delivery, observation, actor, isHeld }, hearing, batch);
  }
}
