import type { MetricObject } from "../ops/metrics.ts";

/* What a supervisor and its daemons tell each other, over the channel that Node keeps between a process and its children. */

/** What a daemon tells its supervisor. */
export type FromDaemon =
  /** It does not start; nothing is left open. */
  | { readonly kind: "refused"; readonly message: string; readonly code: number }
  /** It is up. */
  | { readonly kind: "running"; readonly httpUrl: string | null }
  /** What it says of itself, also when nothing has changed: who is frozen says nothing. @see Siblings */
  | { readonly kind: "health"; readonly ready: boolean; readonly failing: readonly string[] }
  /** Something that only a person can resolve: it ends. */
  | { readonly kind: "fatal"; readonly message: string }
  /** Its partitions have moved to others: it ends. */
  | { readonly kind: "left" }
  /** It was asked for the metrics of all. */
  | { readonly kind: "scrape"; readonly id: number }
  /** Its own metrics, for a `collect`. */
  | { readonly kind: "collected"; readonly id: number; readonly metrics: readonly MetricObject[] };

/** What a supervisor tells a daemon. */
export type ToDaemon =
  /** Take no more, publish what is due, end. */
  | { readonly kind: "stop" }
  /** The first of all: what pages of any of them send back. */
  | { readonly kind: "page_token"; readonly pageToken: string }
  /** What is the case with all of them. */
  | { readonly kind: "siblings"; readonly siblings: readonly Sibling[] }
  | { readonly kind: "collect"; readonly id: number }
  /** Answers a `scrape`: the metrics of those that have answered in time. */
  | { readonly kind: "scraped"; readonly id: number; readonly metrics: readonly (readonly MetricObject[])[] };

/** One of the daemons of a machine, as its supervisor sees it. */
export interface Sibling {
  readonly daemon: number;
  /** For a person: why it is not ready. Null when it is. */
  readonly trouble: string | null;
}

/** How a supervised daemon is told what it is: `--supervised <json>`. */
export interface Supervision {
  /** From 1. */
  readonly daemon: number;
  /** Of all daemons of the supervisor, its own included. */
  readonly directories: readonly string[];
  /** Data directory of the nats-server that the supervisor runs; null when it runs none. */
  readonly natsDir: string | null;
  /** There are more daemons than are wanted: it ends once its partitions have moved to others. */
  readonly isSurplus: boolean;
}
