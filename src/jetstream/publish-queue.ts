import type { Lane } from "../wire/lanes.ts";

export interface Queued {
  readonly lane: Lane;
  /** Those of one line go one after the other; undefined: waits for nobody. A line belongs to one lane. */
  readonly line: number | undefined;
  /** Bytes it holds in memory. */
  readonly bytes: number;
}

/**
 * What waits to be published or is on its way: first come, first served, within a line strictly one after the other.
 *
 * Whether something waits is said by one set and by nothing else, so that it is counted once however it leaves.
 */
export function createPublishQueue<Job extends Queued>() {
  const waiting = createTally<Job>();
  const going = createTally<Job>();
  /** The first of each line on which nothing is on its way, and what has no line. */
  let ready: Job[] = [];
  /** Behind the one that is ready or on its way; an empty list says that there is one. */
  const lines = new Map<number, Job[]>();

  /** One has left a line's head: the next may go. */
  function advance({ line }: Job): void {
    if (line === undefined) return;
    const next = lines.get(line)?.shift();
    if (next === undefined) lines.delete(line);
    else ready.push(next);
  }

  return {
    offer(job: Job): void {
      waiting.add(job);
      const behind = job.line === undefined ? undefined : lines.get(job.line);
      if (behind !== undefined) {
        behind.push(job);
        return;
      }
      if (job.line !== undefined) lines.set(job.line, []);
      ready.push(job);
    },
    /** The next that may go; it is on its way, and keeps its line, until it is `done`. */
    take(): Job | undefined {
      const job = ready.shift();
      if (job === undefined) return undefined;
      waiting.delete(job);
      going.add(job);
      return job;
    },
    done(job: Job): void {
      if (going.delete(job)) advance(job);
    },
    /** Puts others in the place of what waits behind a job that is on its way. */
    replaceBehind(job: Job, jobs: readonly Job[]): void {
      if (job.line === undefined || !going.has(job)) return;
      for (const behind of lines.get(job.line) ?? []) waiting.delete(behind);
      for (const next of jobs) waiting.add(next);
      lines.set(job.line, [...jobs]);
    },
    /** Forgets what waits, and for which this holds; what is on its way is not touched. */
    forget(holds: (job: Job) => boolean): void {
      for (const job of waiting.all()) if (holds(job)) waiting.delete(job);
      const left = ready.filter((job) => !waiting.has(job));
      ready = ready.filter(waiting.has);
      for (const [line, behind] of lines) lines.set(line, behind.filter(waiting.has));
      for (const job of left) advance(job);
    },
    /** Is one for which this holds waiting or on its way? */
    has: (holds: (job: Job) => boolean) => [...waiting.all(), ...going.all()].some(holds),
    onTheirWay: going.size,
    /** How much waits or is on its way. */
    size: () => waiting.size() + going.size(),
    bytes: () => waiting.bytes() + going.bytes(),
  };
}

/** A set that knows its bytes. */
function createTally<Job extends Queued>() {
  const jobs = new Set<Job>();
  let bytes = 0;
  return {
    add(job: Job): void {
      if (!jobs.has(job)) bytes += job.bytes;
      jobs.add(job);
    },
    delete(job: Job): boolean {
      const was = jobs.delete(job);
      if (was) bytes -= job.bytes;
      return was;
    },
    has: (job: Job) => jobs.has(job),
    all: () => [...jobs],
    size: () => jobs.size,
    bytes: () => bytes,
  };
}
