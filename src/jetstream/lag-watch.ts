import type { JetStreamManager } from "@nats-io/jetstream";
import type { Lane } from "../wire/lanes.ts";
import { askLag, type LaneLag } from "./lag.ts";
import { createLagFigures, type LagFigures } from "./lag-figures.ts";

/** Knows how far the lanes are behind, as of the last measurement. What is older than two turns is not known any more. */
export interface LagWatch extends LagFigures {
  /** Measures now, not at the next turn. */
  measure(): Promise<void>;
  stop(): void;
}

export interface LagWatchOptions {
  readonly jsm: JetStreamManager;
  readonly everyMs: number;
  /** The lanes to be measured. */
  readonly assigned: () => readonly Lane[];
  /** Are there lanes to be asked about more often? */
  readonly isCatchingUp: () => boolean;
  /** The next measurement waits for it. */
  readonly onMeasured: (lags: readonly LaneLag[]) => Promise<void>;
  readonly onTrouble: (error: Error) => void;
  /** Monotonic, ms. */
  readonly now?: () => number;
}

/** How often is measured while a lane has more. */
const CATCHING_UP_MS = 300;

/** Measures at intervals, more often while a lane has not caught up. */
export function watchLag(options: LagWatchOptions): LagWatch {
  const { jsm, everyMs, assigned, isCatchingUp, onMeasured, onTrouble, now = () => performance.now() } = options;
  const figures = createLagFigures({ assigned, freshMs: 2 * everyMs, now });
  let measuredAtMs = now();
  let isMeasuring = false;
  const timer = setInterval(
    async () => {
      if (isMeasuring || (!isCatchingUp() && now() - measuredAtMs < everyMs)) return;
      isMeasuring = true;
      await measure();
      isMeasuring = false;
      measuredAtMs = now();
    },
    Math.min(CATCHING_UP_MS, everyMs),
  );

  async function measure(): Promise<void> {
    const lanes = assigned();
    figures.follow(lanes);
    try {
      const results = await askLag(jsm, lanes);
      // A lane may have gone to another owner while the answer was on its way.
      const still = assigned();
      const lags: LaneLag[] = [];
      for (const [index, lane] of lanes.entries()) {
        const result = results[index];
        if (result === undefined || !still.includes(lane)) continue;
        if (result.status === "rejected") figures.failed(lane, (result.reason as Error).message);
        else {
          figures.measured(result.value);
          lags.push(result.value);
        }
      }
      const failed = results.find((result) => result.status === "rejected");
      if (failed !== undefined) onTrouble(failed.reason as Error);
      await onMeasured(lags);
    } catch (error) {
      for (const lane of lanes) figures.failed(lane, (error as Error).message);
      onTrouble(error as Error);
    }
  }

  return { ...figures, measure, stop: () => clearInterval(timer) };
}
