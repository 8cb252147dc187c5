import type { Lane } from "../wire/lanes.ts";
import type { BatchResult, Handled, Move } from "./batch-result.ts";
import type { ReachCrashPoint } from "./crash-points.ts";
import type { Delivery } from "./delivery.ts";
import type { HotActor, HotActors } from "./hot-actors.ts";
import type { Journal } from "./journal.ts";
import type { DeadLetterRow, TakenDecision } from "./rows.ts";
import { createTallies, type Tallies, wholePercent } from "./tallies.ts";

/** What one transaction has gathered so far. */
export interface Batch {
  readonly handled: Handled[];
  readonly decisions: TakenDecision[];
  readonly deadLetters: DeadLetterRow[];
  readonly moves: Move[];
  /** Whose rows are to be written, each once. */
  readonly touched: Set<HotActor>;
  /** Who heard something: what is in memory of them is worth nothing when the batch fails. */
  readonly stirred: Set<HotActor>;
  /** Earlier events that were read for each actor, by its type and id: most of what it costs to fold them again. */
  readonly folded: Map<string, number>;
  /** The last message of each lane, by the sequence and the time with which its stream stored it. */
  readonly checkpoints: Map<Lane, Pick<Delivery, "sequence" | "storedAtMs">>;
  readonly tallies: Tallies;
}

/** One name for one actor, whichever lane object it came with. */
export function actorName({ type }: Lane, actorId: string): string {
  return `${type.name}/${actorId}`;
}

type Work = (batch: Batch) => void;

interface CommitHooks {
  readonly reached: ReachCrashPoint;
  readonly committed: () => void;
  /** Nothing of it happened. */
  readonly failed: () => void;
}

/**
 * @returns what runs `work` and writes all it gathered, in one transaction. It throws when that fails; then nothing
 *   happened, and every actor that was touched is evicted.
 */
export function createCommit(
  journal: Journal,
  actors: HotActors,
  { reached, committed, failed }: CommitHooks,
): (work: Work) => BatchResult {
  return (work) => {
    const batch = openBatch();
    try {
      const done = journal.transaction(() => {
        work(batch);
        reached("applied");
        const result = saveBatch(batch, journal, actors);
        reached("in_transaction");
        return result;
      });
      committed();
      return done;
    } catch (error) {
      failed();
      for (const actor of [...batch.touched, ...batch.stirred]) actors.evict(actor.lane, actor.id);
      throw error;
    } finally {
      actors.closeBatch();
    }
  };
}

function openBatch(): Batch {
  return {
    handled: [],
    decisions: [],
    deadLetters: [],
    moves: [],
    touched: new Set(),
    stirred: new Set(),
    folded: new Map(),
    checkpoints: new Map(),
    tallies: createTallies(),
  };
}

/** Writes what has been gathered: actors, checkpoints, counts. Within the transaction. */
function saveBatch(batch: Batch, journal: Journal, actors: HotActors): BatchResult {
  const completeness: number[] = [];
  for (const actor of batch.touched) {
    actors.weigh(actor, saveActor(actor, journal, batch.tallies));
    completeness.push(actor.completeness);
  }
  for (const [lane, { sequence, storedAtMs }] of batch.checkpoints) journal.saveCheckpoint(lane, sequence, storedAtMs);
  batch.tallies.save(journal);
  const { handled, decisions, deadLetters, moves } = batch;
  return { handled, decisions, deadLetters, moves, completeness };
}

/** Writes its row. Within the transaction. @returns characters of its snapshot. */
export function saveActor(actor: HotActor, journal: Journal, tallies: Tallies): number {
  const { lane, live, standing, completeness } = actor;
  const state = live.state();
  const decisionType = standing?.decisionType ?? null;
  const anchors = live.anchors();
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
    due: live.due(),
    heard: actor.heard,
  };
  actor.heard = journal.saveActor(row, actor.saved);
  if (anchors !== null) journal.saveAnchors(actor.key, anchors);
  tallies.move(lane, "state", actor.saved?.state, state);
  tallies.move(lane, "standing", actor.saved?.decisionType, decisionType);
  const before = actor.saved === null ? null : wholePercent(actor.saved.completeness);
  tallies.move(lane, "completeness", before, wholePercent(completeness));
  actor.saved = { state, decisionType, completeness, due: row.due };
  actor.rowVersion++;
  return row.snapshot.length;
}
