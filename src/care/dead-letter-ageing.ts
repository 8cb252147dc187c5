import type { ActorType } from "../actor/actor-type.ts";
import { type Clock, inRounds, SYSTEM_CLOCK, waitFor } from "../flow/clock.ts";
import type { Held } from "../jetstream/known-streams.ts";
import type { AgedDeadLetters } from "../store/dead-letter-rows.ts";

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
  readonly clock?: Clock;
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
  const { types, rows, held, isFree, onForgotten, onTrouble, clock = SYSTEM_CLOCK } = options;
  let stopped = false;
  const end = inRounds(clock, EVERY_MS, async () => {
    for (const type of types) await forgetAged(type).catch(onTrouble);
    return EVERY_MS;
  });

  async function forgetAged(type: ActorType): Promise<void> {
    const found = await held(type);
    if (found === undefined) return;
    let count = 0;
    for (let after: number | null = 0; after !== null && !stopped; await waitFor(clock, REST_MS)) {
      if (!isFree()) continue;
      const step = rows.forget(type.name, found, after, ROWS);
      count += step.forgotten;
      after = step.last;
    }
    if (count > 0) onForgotten(type, count);
  }

  return () => {
    stopped = true;
    end();
  };
}
