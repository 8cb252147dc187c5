import type { Lane } from "../wire/lanes.ts";
import { actorName } from "./batch.ts";

/** An actor that is behind. */
export interface Waiting {
  readonly lane: Lane;
  readonly actorId: string;
}

/** Who is behind. One after another has its turn: whoever is behind most is not to keep the others waiting for ever. */
export interface Turns {
  /** By a batch: when that is not committed, it is forgotten again. */
  add(one: Waiting): void;
  /** Between two batches: it was behind before. */
  resume(one: Waiting): void;
  has(lane: Lane, actorId: string): boolean;
  /** Whose turn it is, undefined when all have caught up. */
  next(): Waiting | undefined;
  /** An event of it was heard to its end: only then may its turn end, or what was begun would be begun again for ever. */
  heard(one: Waiting): void;
  /** It has caught up, once that is committed. */
  end(one: Waiting): void;
  hasEnded(one: Waiting): boolean;
  /** Who was added, and what was ended, is committed. */
  committed(): void;
  /** Neither is. */
  failed(): void;
  forget(lane: Lane): void;
  size(): number;
}

/** What an actor has heard is read when it is its turn: so long it keeps it. */
const TURN_MS = 250;

export function createTurns(): Turns {
  /** The first has its turn. */
  const waiting = new Map<string, Waiting>();
  const added = new Set<string>();
  const ended = new Set<string>();
  let turn = { of: "", endMs: 0 };

  function next(): Waiting | undefined {
    for (const [name, one] of waiting) {
      if (ended.has(name)) continue;
      if (turn.of !== name) turn = { of: name, endMs: performance.now() + TURN_MS };
      return one;
    }
    return undefined;
  }

  return {
    add(one) {
      const name = nameOf(one);
      if (!waiting.has(name)) added.add(name);
      waiting.set(name, one);
      ended.delete(name);
    },
    resume: (one) => void waiting.set(nameOf(one), one),
    has: (lane, actorId) => waiting.has(actorName(lane, actorId)),
    next,
    heard(one) {
      const name = nameOf(one);
      if (turn.of !== name || performance.now() < turn.endMs) return;
      turn = { of: "", endMs: 0 };
      waiting.delete(name);
      waiting.set(name, one);
    },
    end: (one) => void ended.add(nameOf(one)),
    hasEnded: (one) => ended.has(nameOf(one)),
    committed() {
      for (const name of ended) waiting.delete(name);
      ended.clear();
      added.clear();
    },
    failed() {
      for (const name of added) waiting.delete(name);
      ended.clear();
      added.clear();
    },
    forget(lane) {
      for (const [name, one] of waiting) if (one.lane === lane) waiting.delete(name);
    },
    size: () => waiting.size,
  };
}

function nameOf({ lane, actorId }: Waiting): string {
  return actorName(lane, actorId);
}
