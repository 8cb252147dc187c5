import type { ActorType } from "../actor/actor-type.ts";
import type { Lane } from "../wire/lanes.ts";
import type { LaneLag } from "./lag.ts";

/** How far the lanes that are ours are behind, as far as that is known now. */
export interface LagFigures {
  byLane(): ReadonlyMap<Lane, number>;
  /** Of its lanes, or all; null when that of one is not known. */
  total(type?: ActorType): number | null;
  /** Lanes of which it is not known any more, and why. */
  unknown(): readonly { readonly lane: Lane; readonly reason: string }[];
  /** What was found wrong with their consumers, a line each. */
  consumerProblems(): readonly string[];
  /** They went to another owner: when they come back nothing is known of them. */
  forget(lanes: readonly Lane[]): void;
}

/** The same, to be kept up to date. */
export interface KeptLagFigures extends LagFigures {
  /** These are measured from now on, and no others: one that was never read has nobody to say that it went. */
  follow(lanes: readonly Lane[]): void;
  measured(found: LaneLag): void;
  failed(lane: Lane, reason: string): void;
}

export interface LagFiguresOptions {
  readonly assigned: () => readonly Lane[];
  /** What is older is not known any more. */
  readonly freshMs: number;
  /** Monotonic, ms. */
  readonly now: () => number;
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

export function createLagFigures({ assigned, freshMs, now }: LagFiguresOptions): KeptLagFigures {
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
    follow(lanes) {
      for (const lane of figures.keys()) if (!lanes.includes(lane)) figures.delete(lane);
      for (const lane of lanes) if (!figures.has(lane)) failed(lane, "not measured yet");
    },
    forget(lanes) {
      for (const lane of lanes) figures.delete(lane);
    },
    measured({ lane, lag, consumer }) {
      figures.set(lane, { lag, atMs: now(), reason: "", consumerProblem: consumer.problem ?? undefined });
    },
    failed,
    byLane,
    total(type) {
      const known = byLane();
      const lags = assigned().flatMap((lane) => (type === undefined || lane.type === type ? [known.get(lane)] : []));
      return lags.reduce<number | null>((sum, lag) => (sum === null || lag === undefined ? null : sum + lag), 0);
    },
    unknown: () => own().flatMap(([lane, figure]) => (isFresh(figure) ? [] : [{ lane, reason: figure.reason }])),
    consumerProblems: () => own().flatMap(([, { consumerProblem }]) => consumerProblem ?? []),
  };
}
