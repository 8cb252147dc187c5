import { setTimeout as delay } from "node:timers/promises";
import type { ActorType } from "../../machines/actor-type.ts";

/** What the streams still hold: sequences of their first messages. */
export interface Held {
  readonly firstEvent: number;
  readonly firstDeadLetter: number;
}

/** The rows of dead letters. */
export interface AgedDeadLetters {
  /**
   * Gives up rows of which neither stream holds anything any more, one transaction. Looks at `limit` published ones, by
   * their sequence in DEAD_LETTERS, behind `after`.
   *
   * A row says that its message was told already. It is asked only when that message is delivered, learnt from
   * DEAD_LETTERS or compared: all of that begins at the first message of a stream, also for who reads it anew. So with
   * both of them gone it is never asked again, and nothing is told twice.
   *
   * @returns how many, and the place to go on from; null at the end.
   */
  forget(type: string, held: Held, after: number, limit: number): { forgotten: number; last: number | null };
}

export interface DeadLetterAgeingOptions {
  readonly types: readonly ActorType[];
  readonly rows: AgedDeadLetters;
  /** Undefined when a stream is not the one that the store knows: its sequences say nothing then. */
  readonly held: (type: ActorType) => Promise<Held | undefined>;
  /** Is there nothing that events wait for? */
  readonly isFree: () => boolean;
  readonly onForgotten: (type: ActorType, count: number) => void;
  /** It is tried again. */
  readonly onTrouble: (error: Error) => void;
  readonly everyMs?: number;
}

const EVERY_MS = 60_000;
/** Between two steps. */
const REST_MS = 50;
/** Rows of one step: 128 KiB each at most, a few milliseconds in all. */
const ROWS = 50;

/**
 * Gives up dead letters that have aged out of the streams, a few at a time, for as long as the daemon runs.
 *
 * @returns ends it at once. Safe to call twice.
 */
export function startDeadLetterAgeing(options: DeadLetterAgeingOptions): () => void {
  const { types, rows, held, isFree, onForgotten, onTrouble, everyMs = EVERY_MS } = options;
  let stopped = false;
  let timer = setTimeout(round, everyMs);

  async function round(): Promise<void> {
    for (const type of types) await forgetAged(type).catch(onTrouble);
    if (!stopped) timer = setTimeout(round, everyMs);
  }

  async function forgetAged(type: ActorType): Promise<void> {
    const found = await held(type);
    if (found === undefined) return;
    let count = 0;
    for (let after: number | null = 0; after !== null && !stopped; await delay(REST_MS, undefined, { ref: false })) {
      if (!isFree()) continue;
      const step = rows.forget(type.name, found, after, ROWS);
      count += step.forgotten;
      after = step.last;
    }
    if (count > 0) onForgotten(type, count);
  }

  return () => {
    stopped = true;
    clearTimeout(timer);
  };
}
