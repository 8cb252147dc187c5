import type { JetStreamManager } from "@nats-io/jetstream";
import type { ActorType } from "../actor/actor-type.ts";
import type { Lane } from "../wire/lanes.ts";
import { askLag, type LaneLag } from "./lag.ts";

/** Knows how far the lanes that are ours are behind, as of the last measurement. What is older than two turns is not known any more. */
export type LagWatch = ReturnType<typeof watchLag>;

export interface LagWatchOptions {
  readonly jsm: JetStreamManager;
  readonly everyMs: number;
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
export function watchLag(options: LagWatchOptions) {
  const { jsm, everyMs, assigned, isCatchingUp, onMeasured, onTrouble, now = () => performance.now() } = options;
  const figures = createFigures(assigned, 2 * everyMs, now);
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

  const { byLane, total, unknown, consumerProblems, forget } = figures;
  return {
    ...{ byLane, total, unknown, consumerProblems, forget },
    /** Measures now, not at the next turn. */
    measure,
    stop: () => clearInterval(timer),
  };
}

interface Figure {
  /** Undefined until it is measured. */
  readonly lag: number | undefined;
  /** When it was, or when the lane was first seen. */
  readonly atMs: number;
  /** Why it was not measured since. */
  readonly reason: string;
  readonly consumerProblem: string | undefined;
}

/** @param freshMs - what is older is not known any more. */
function createFigures(assigned: () => readonly Lane[], freshMs: number, now: () => number) {
  const figures = new Map<Lane, Figure>();

  function failed(lane: Lane, reason: string): void {
    const known = figures.get(lane) ?? { lag: undefined, atMs: now(), consumerProblem: undefined };
    figures.set(lane, { ...known, reason });
  }

  const isFresh = ({ atMs }: Figure) => now() - atMs < freshMs;
  /** A lane may have gone to another owner since. */
  function own(): [Lane, Figure][] {
    const lanes = assigned();
    return [...figures].filter(([lane]) => lanes.includes(lane));
  }
  const byLane = () =>
    new Map(
      own().flatMap(([lane, figure]) =>
        isFresh(figure) && figure.lag !== undefined ? [[lane, figure.lag] as const] : [],
      ),
    );

  return {
    /** These are measured from now on, and no others: one that was never read has nobody to say that it went. */
    follow(lanes: readonly Lane[]): void {
      for (const lane of figures.keys()) if (!lanes.includes(lane)) figures.delete(lane);
      for (const lane of lanes) if (!figures.has(lane)) failed(lane, "not measured yet");
    },
    /** They went to another owner: when they come back nothing is known of them. */
    forget(lanes: readonly Lane[]): void {
      for (const lane of lanes) figures.delete(lane);
    },
    measured({ lane, lag, consumer }: LaneLag): void {
      // Said when the next measurement takes longer than this one counts, as while a cluster elects its leaders.
      const reason = "no answer yet";
      figures.set(lane, { lag, atMs: now(), reason, consumerProblem: consumer.problem ?? undefined });
    },
    failed,
    byLane,
    /** Of a type's lanes, or all; null when that of one is not known. */
    total(type?: ActorType): number | null {
      const known = byLane();
      const lags = assigned().flatMap((lane) => (type === undefined || lane.type === type ? [known.get(lane)] : []));
      return lags.reduce<number | null>((sum, lag) => (sum === null || lag === undefined ? null : sum + lag), 0);
    },
    /** Lanes of which it is not known any more, and why. */
    unknown: () => own().flatMap(([lane, figure]) => (isFresh(figure) ? [] : [{ lane, reason: figure.reason }])),
    /** What was found wrong with their consumers, a line each. */
    consumerProblems: () => own().flatMap(([, { consumerProblem }]) => consumerProblem ?? []),
  };
}
