import { TIME_PASSED } from "../actor/delays.ts";
import type { Lane } from "../wire/lanes.ts";
import { actorName, type Batch } from "./batch.ts";
import type { Handled } from "./batch-result.ts";
import type { Delivery } from "./delivery.ts";
import { createFoldAhead, type Hearable } from "./fold-ahead.ts";
import type { HotActors } from "./hot-actors.ts";
import type { Journal } from "./journal.ts";
import { unpark } from "./parked.ts";
import { createTurns, type Waiting } from "./turns.ts";

/**
 * Actors that have more to do than their share of a batch: facts in reverse, each of which folds all the others again. What
 * else is heard of them waits, kept like what is kept back in quarantine, and is applied bit by bit while others flow.
 */
export interface Backlog {
  /**
   * Of an actor in quarantine: are further events kept back until it is released? By event time they may end it, unless
   * others have to be heard before them.
   */
  keepsBack(lane: Lane, actorId: string): boolean;
  /** Does an event of this actor have to wait, since it takes more than a share, or others wait before it? */
  isBehind(hearable: Hearable, batch: Batch): boolean;
  /** Applies the next of what waits, as much as fits the share of a batch; before what has arrived since. */
  catchUp(batch: Batch): void;
  /**
   * The same of one actor, whoever else is behind, the first heavy event to its end: that tells whether its quarantine is
   * over. The rest of it follows with later batches.
   */
  begin(waiting: Waiting, batch: Batch): void;
  /** What was caught up is committed. */
  committed(): void;
  /** What was caught up is not, and waits again; who was behind since that batch is not. */
  failed(): void;
  /** Finds who was behind when the lane was read last. */
  resume(lane: Lane): void;
  /** The lane is another's. */
  forget(lane: Lane): void;
  /** Actors that are behind. */
  size(): number;
}

/** What lets a parked event be heard. */
interface CatchingUp {
  /** @returns undefined: nobody can hear it, or it is no fact. */
  find(delivery: Delivery): Hearable | undefined;
  apply(delivery: Delivery, batch: Batch): Handled;
  readonly maxFolded: number | undefined;
}

/** Facts that are folded again for one actor in one batch, about, as they arrive: some 5 ms. */
const SHARE = 2000;
/** What those who are behind have of each batch. */
const SHARE_MS = 5;
/** Events that have little folded again, applied in one batch whatever that takes. */
const LIGHT_EVENTS = 64;

export function createBacklog(
  journal: Journal,
  actors: HotActors,
  { find, apply, maxFolded = SHARE }: CatchingUp,
): Backlog {
  const ahead = createFoldAhead(journal, actors);
  const turns = createTurns();

  /** Lets the next that waits of an actor be heard, unless it takes more than there is left of the share. */
  function hearNext({ lane, actorId }: Waiting, endMs: number, batch: Batch) {
    const row = journal.nextParked(lane.type.name, actorId);
    if (row === undefined) return "ended";
    const delivery = unpark(lane, row);
    const hearable = find(delivery);
    const folded = hearable === undefined ? "light" : ahead.fold(hearable, endMs);
    if (folded === "unfinished") return folded;
    journal.forgetParked(row);
    const handled = apply(delivery, batch);
    batch.handled.push(handled);
    if (hearable !== undefined) ahead.heard(hearable, handled);
    // It failed, and what follows is kept back until it is released.
    return handled.outcome === "parked" || handled.rejected?.reason === "machine_error" ? "ended" : folded;
  }

  /** @param isWhole - the first event that is not light is heard to its end. */
  function share(next: () => Waiting | undefined, batch: Batch, isWhole = false): void {
    const endMs = performance.now() + SHARE_MS;
    let foldEndMs = isWhole ? Number.POSITIVE_INFINITY : endMs;
    for (let light = 0; light < LIGHT_EVENTS || performance.now() < endMs; ) {
      const one = next();
      const did = one && hearNext(one, foldEndMs, batch);
      if (one === undefined || did === "unfinished") return;
      turns.heard(one);
      if (did === "ended") turns.end(one);
      if (did === "folded") foldEndMs = endMs;
      light = did === "folded" ? LIGHT_EVENTS : light + 1;
    }
  }

  return {
    keepsBack: (lane, actorId) =>
      lane.type.ordering === "merge" || (!turns.has(lane, actorId) && journal.hasParked(lane.type.name, actorId)),
    isBehind(hearable, batch) {
      const { lane, id } = hearable.actor;
      if (lane.type.ordering === "merge") return false;
      const isSpent = batch.folded.size > 0 && (batch.folded.get(actorName(lane, id)) ?? 0) >= maxFolded;
      const isOver = isSpent || journal.hasParked(lane.type.name, id);
      if (!isOver && !isHeavy(journal, hearable, maxFolded)) return false;
      turns.add({ lane, actorId: id });
      return true;
    },
    catchUp: (batch) => share(turns.next, batch),
    begin(one, batch) {
      turns.add(one);
      share(() => (turns.hasEnded(one) ? undefined : one), batch, true);
    },
    committed: turns.committed,
    failed: turns.failed,
    resume(lane) {
      if (lane.type.ordering === "merge") return;
      for (const actorId of journal.behind(lane)) turns.resume({ lane, actorId });
    },
    forget(lane) {
      ahead.forget(lane);
      turns.forget(lane);
    },
    size: turns.size,
  };
}

/** Has an event more folded again than is to be done at once? */
function isHeavy(journal: Journal, { actor, observation }: Hearable, maxFolded: number): boolean {
  const { live } = actor;
  if (observation.type === TIME_PASSED || live.weigh(observation) <= maxFolded) return false;
  return !live.isTooLate(observation) && !journal.hasHeard(actor, observation);
}
