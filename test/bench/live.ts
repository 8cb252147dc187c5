import type { NatsConnection } from "@nats-io/transport-node";
import type { BenchChild } from "./child-process.ts";
import { type Latency, type LatencyOptions, summarise, timeDecisions } from "./latency.ts";
import { type Span, type Stalls, watchLoop } from "./stalls.ts";
import { watchCopies } from "./wal-pages.ts";

/** Latency, and what there is to say for its slow decisions. */
export interface LiveLatency extends Latency {
  /** From publishing each event to nats-server's acknowledgement. */
  readonly acknowledged: Latency;
  /** Of the daemon. What took less than 3 ms counts as 0. */
  readonly loopP99Ms: number;
  readonly loopMaxMs: number;
  readonly collectorMaxMs: number;
  readonly commitMaxMs: number;
  /** The log copied by the loop itself. */
  readonly checkpointMaxMs: number;
  /** The log copied by its thread. */
  readonly copyMaxMs: number;
  /** Decisions that took more than {@link SLOW_MS}, by what took most of that time. */
  readonly slow: Readonly<Record<Cause, number>>;
}

/** What held a decision up, the first of these that took half of its time. */
export const CAUSES = [
  "bench",
  "collector",
  "checkpoint",
  "commit",
  "loop",
  "serverBesideCopy",
  "server",
  "unknown",
] as const;
export type Cause = (typeof CAUSES)[number];
type Told = Readonly<Partial<Record<Cause, readonly Span[]>>>;

export const SLOW_MS = 10;

/**
 * {@link timeDecisions} beside what the daemon, the server and this process themselves say of that time.
 *
 * @param child - that watches its stalls.
 * @param store - its store's file.
 */
export async function measureLive(
  { nc, child }: { readonly nc: NatsConnection; readonly child: BenchChild },
  store: string,
  options: LatencyOptions,
): Promise<LiveLatency> {
  using own = watchLoop();
  using copies = watchCopies(store);
  await child.stalls();
  const { decisions, acknowledgements } = await timeDecisions(nc, options);
  const stalls = await child.stalls();
  const startedMs = Math.min(...decisions.map(({ fromMs }) => fromMs));
  const counted = (spans: readonly Span[] = []) => spans.filter(({ toMs }) => toMs >= startedMs);
  const { loop, collector, commit, checkpoint } = stalls ?? ({} as Partial<Stalls>);
  const server = acknowledgements.filter((span) => lengthOf(span) >= SLOW_MS / 2);
  const besideCopy = server.filter((span) => overlap(span, copies.spans) > 0);
  const told = { bench: own.spans, collector, checkpoint, commit, loop, serverBesideCopy: besideCopy, server };
  return {
    ...summarise(decisions),
    acknowledged: summarise(acknowledgements),
    loopP99Ms: stalls?.loopP99Ms ?? Number.NaN,
    loopMaxMs: longest(counted(loop)),
    collectorMaxMs: longest(counted(collector)),
    commitMaxMs: longest(counted(commit)),
    checkpointMaxMs: longest(counted(checkpoint)),
    copyMaxMs: longest(counted(copies.spans)),
    slow: countCauses(decisions, told),
  };
}

/** Of the slow decisions, how many are each cause's. */
export function countCauses(decisions: readonly Span[], told: Told): Record<Cause, number> {
  const slow = decisions.filter((span) => lengthOf(span) > SLOW_MS).map((span) => causeOf(span, told));
  return Object.fromEntries(CAUSES.map((cause) => [cause, slow.filter((one) => one === cause).length])) as never;
}

function causeOf(decision: Span, told: Told): Cause {
  return CAUSES.find((cause) => 2 * overlap(decision, told[cause]) >= lengthOf(decision)) ?? "unknown";
}

/** Of a span, how long it was in one of these, which may lie over each other. */
function overlap({ fromMs, toMs }: Span, spans: readonly Span[] = []): number {
  let sum = 0;
  let coveredMs = fromMs;
  for (const span of spans.toSorted((a, b) => a.fromMs - b.fromMs)) {
    const from = Math.max(span.fromMs, coveredMs);
    const to = Math.min(span.toMs, toMs);
    if (to <= from) continue;
    sum += to - from;
    coveredMs = to;
  }
  return sum;
}

function longest(spans: readonly Span[]): number {
  return spans.reduce((most, span) => Math.max(most, lengthOf(span)), 0);
}

function lengthOf({ fromMs, toMs }: Span): number {
  return toMs - fromMs;
}
