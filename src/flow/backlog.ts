import type { Lane } from "../wire/lanes.ts";
import { actorName, type Batch } from "./batch.ts";
import type { Handled } from "./batch-result.ts";
import type { Delivery } from "./delivery.ts";
import type { HotActor } from "./hot-actors.ts";
import type { Journal } from "./journal.ts";
import { unpark } from "./parked.ts";

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
  /** Does an event of this actor have to wait, since its share is used up or others wait before it? */
  isBehind(actor: HotActor, batch: Batch): boolean;
  /** Applies the next of what waits, each actor's share at most; before what has arrived since. */
  catchUp(batch: Batch, apply: Apply): void;
  /** The same of one actor, whoever else is behind; the rest of it follows with later batches. */
  begin(waiting: Waiting, batch: Batch, apply: Apply): void;
  /** What was caught up is committed. */
  committed(): void;
  /** Finds who was behind when the lane was read last. */
  resume(lane: Lane): void;
  /** The lane is another's. */
  forget(lane: Lane): void;
  /** Actors that are behind. */
  size(): number;
}

type Apply = (delivery: Delivery, batch: Batch) => Handled;

/** An actor that is behind. */
export interface Waiting {
  readonly lane: Lane;
  readonly actorId: string;
}

/** Earlier events that are read for one actor in one batch, about: some 10 ms. */
const SHARE = 2000;
/** Actors that catch up in one batch. */
const MAX_ACTORS = 4;

export function createBacklog(journal: Journal): Backlog {
  const waiting = new Map<string, Waiting>();
  /** Have caught up, once it is committed. */
  let ended: string[] = [];

  function catchUpOne({ lane, actorId }: Waiting, batch: Batch, apply: Apply) {
    const type = lane.type.name;
    for (let work = 0; work < SHARE; work++) {
      const row = journal.takeNextParked(type, actorId);
      if (row === undefined) return "ended";
      const handled = apply(unpark(lane, row), batch);
      batch.handled.push(handled);
      // It failed, and what follows is kept back until it is released.
      if (handled.outcome === "parked" || handled.rejected?.reason === "machine_error") return "ended";
      if (isSpent(lane, actorId, batch)) break;
    }
    return "behind";
  }

  return {
    keepsBack: (lane, actorId) =>
      lane.type.ordering === "merge" ||
      (!waiting.has(actorName(lane, actorId)) && journal.hasParked(lane.type.name, actorId)),
    isBehind(actor, batch) {
      const { lane, id } = actor;
      if (lane.type.ordering === "merge") return false;
      if (!isSpent(lane, id, batch) && !journal.hasParked(lane.type.name, id)) return false;
      waiting.set(actorName(lane, id), { lane, actorId: id });
      return true;
    },
    catchUp(batch, apply) {
      ended = [];
      for (const [name, one] of [...waiting].slice(0, MAX_ACTORS)) {
        // Whoever is behind most is not to keep others waiting.
        waiting.delete(name);
        waiting.set(name, one);
        if (catchUpOne(one, batch, apply) === "ended") ended.push(name);
      }
    },
    begin(one, batch, apply) {
      const name = actorName(one.lane, one.actorId);
      waiting.set(name, one);
      ended = catchUpOne(one, batch, apply) === "ended" ? [name] : [];
    },
    committed() {
      for (const name of ended) waiting.delete(name);
      ended = [];
    },
    resume(lane) {
      if (lane.type.ordering === "merge") return;
      for (const actorId of journal.behind(lane)) waiting.set(actorName(lane, actorId), { lane, actorId });
    },
    forget(lane) {
      for (const [name, one] of waiting) if (one.lane === lane) waiting.delete(name);
    },
    size: () => waiting.size,
  };
}

function isSpent(lane: Lane, actorId: string, { folded }: Batch): boolean {
  return (folded.get(actorName(lane, actorId)) ?? 0) >= SHARE;
}
