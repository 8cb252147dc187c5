import { monitorEventLoopDelay, PerformanceObserver } from "node:perf_hooks";
import Database from "better-sqlite3";

/** Something that took a while, on the machine's monotonic clock. */
export interface Span {
  readonly fromMs: number;
  readonly toMs: number;
}

/** What held up a process, each span of it that is worth telling. */
export interface Stalls {
  /** Its event loop, whatever for. */
  readonly loop: readonly Span[];
  readonly collector: readonly Span[];
  /** From the end of a transaction's work to where SQLite has it. */
  readonly commit: readonly Span[];
  /** The log copied, or started over, by the loop itself. */
  readonly checkpoint: readonly Span[];
  readonly loopP99Ms: number;
}

const LOOK_EVERY_MS = 5;
const WORTH_MS = 3;

/** The machine's monotonic clock, the same in all processes. */
export function monotonicMs(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}

/** Notes when this process's event loop does not come round. */
export function watchLoop() {
  const spans: Span[] = [];
  let dueMs = monotonicMs() + LOOK_EVERY_MS;
  const timer = setInterval(() => {
    const nowMs = monotonicMs();
    note(spans, dueMs, nowMs);
    dueMs = nowMs + LOOK_EVERY_MS;
  }, LOOK_EVERY_MS).unref();
  return { spans, [Symbol.dispose]: () => clearInterval(timer) };
}

/** Begins to note what holds up this process. @returns what it was since the last call. */
export function watchStalls(): () => Stalls {
  const { spans: loop } = watchLoop();
  const collector: Span[] = [];
  const commit: Span[] = [];
  const checkpoint: Span[] = [];
  const delays = monitorEventLoopDelay({ resolution: LOOK_EVERY_MS });
  delays.enable();
  new PerformanceObserver((list) => {
    const originMs = monotonicMs() - performance.now();
    for (const { startTime, duration } of list.getEntries()) {
      note(collector, originMs + startTime, originMs + startTime + duration);
    }
  }).observe({ entryTypes: ["gc"] });
  timePragmas(checkpoint);
  timeCommits(commit);

  return () => {
    const loopP99Ms = Math.max(0, delays.percentile(99) / 1e6 - LOOK_EVERY_MS);
    delays.reset();
    const take = (spans: Span[]) => spans.splice(0);
    return {
      loop: take(loop),
      collector: take(collector),
      commit: take(commit),
      checkpoint: take(checkpoint),
      loopP99Ms,
    };
  };
}

function note(spans: Span[], fromMs: number, toMs: number): void {
  if (toMs - fromMs >= WORTH_MS) spans.push({ fromMs, toMs });
}

function timePragmas(spans: Span[]): void {
  const pragma = Database.prototype.pragma;
  Database.prototype.pragma = function (this: Database.Database, source, options) {
    const fromMs = monotonicMs();
    const result = pragma.call(this, source, options);
    if (source.startsWith("wal_checkpoint")) note(spans, fromMs, monotonicMs());
    return result;
  };
}

/** The work of every transaction tells when it ends. */
function timeCommits(spans: Span[]): void {
  const transaction = Database.prototype.transaction;
  type Run = (...args: unknown[]) => unknown;
  const timed = (work: Run) => {
    let workedMs = 0;
    const inner = (...args: unknown[]) => {
      const result = work(...args);
      workedMs = monotonicMs();
      return result;
    };
    const outer =
      (run: Run) =>
      (...args: unknown[]) => {
        const result = run(...args);
        note(spans, workedMs, monotonicMs());
        return result;
      };
    return { inner, outer };
  };
  Database.prototype.transaction = function (this: Database.Database, work: Run) {
    const { inner, outer } = timed(work);
    const own = transaction.call(this, inner);
    return Object.assign(outer(own), { immediate: outer(own.immediate), deferred: outer(own.deferred) });
  } as typeof transaction;
}
