import { setTimeout as delay } from "node:timers/promises";

/** How far a system is with what was published to it. */
export interface Standing {
  /** Deliveries applied, superseded, recognised as duplicates, parked or dead-lettered. */
  readonly handled: number;
  /** Decisions taken. */
  readonly decided: number;
  /** Decisions the stream holds. */
  readonly decisionsPublished: number;
  /** Dead letters taken down. */
  readonly rejected: number;
  /** Dead letters the stream holds. */
  readonly deadLettersPublished: number;
}

export interface SettleOptions {
  readonly read: () => Promise<Standing>;
  /** Messages published, or going to be. */
  readonly deliveries: number;
  /** Gives up when nothing has moved for this long; 20,000 when absent. */
  readonly stalledAfterMs?: number;
  readonly signal: AbortSignal;
  readonly onProgress?: (standing: Standing) => void;
}

/** It did not settle; the message says what is missing. */
export class NotSettledError extends Error {
  override readonly name = "NotSettledError";
}

/** Asked often when it is a matter of moments, rarely when there is a lot to do: asking costs the daemon time. */
const POLL_MS = { least: 20, most: 250, shareOfWait: 0.02 };

/**
 * Waits until everything published is applied, and every decision and dead letter that came of it is in its stream.
 *
 * @throws NotSettledError when nothing moves any more before that; the signal's reason when it is aborted.
 */
export async function settle(options: SettleOptions): Promise<Standing> {
  const { read, deliveries, stalledAfterMs = 20_000, signal, onProgress = () => {} } = options;
  const startedMs = performance.now();
  let movedAtMs = startedMs;
  let before = "";
  for (;;) {
    signal.throwIfAborted();
    const standing = await read();
    onProgress(standing);
    if (missingOf(standing, deliveries).length === 0) return standing;
    const now = JSON.stringify(standing);
    if (now !== before) movedAtMs = performance.now();
    else if (performance.now() - movedAtMs > stalledAfterMs) throw notSettled(standing, deliveries, stalledAfterMs);
    before = now;
    // An abort shows at the top of the loop.
    const wait = (performance.now() - startedMs) * POLL_MS.shareOfWait;
    await delay(Math.min(POLL_MS.most, Math.max(POLL_MS.least, wait)), undefined, { signal }).catch(() => {});
  }
}

function notSettled(standing: Standing, deliveries: number, stalledAfterMs: number): NotSettledError {
  const missing = missingOf(standing, deliveries).join(", ");
  return new NotSettledError(`nothing has moved for ${stalledAfterMs / 1000} s, and not all is done: ${missing}`);
}

function missingOf(standing: Standing, deliveries: number): string[] {
  const { handled, decided, decisionsPublished, rejected, deadLettersPublished } = standing;
  return [
    { done: handled, all: deliveries, what: "messages applied" },
    { done: decisionsPublished, all: decided, what: "decisions published" },
    { done: deadLettersPublished, all: rejected, what: "dead letters published" },
  ]
    .filter(({ done, all }) => done !== all)
    .map(({ done, all, what }) => `${done} of ${all} ${what}`);
}
