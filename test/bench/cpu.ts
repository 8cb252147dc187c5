import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { availableParallelism, cpus } from "node:os";

/** CPU used so far, in µs, by everybody of interest. */
export interface CpuClocks {
  readonly ms: number;
  /** The monotonic clock. */
  readonly us: number;
  /** Of those who are measured, together. */
  readonly children: number;
  readonly server: number;
  readonly own: number;
  readonly machine: number;
}

/** What events took, from one reading of the clocks to another. */
export interface Costs {
  readonly runMs: number;
  readonly eventsPerSecond: number;
  /** Of those who are measured, together. */
  readonly cpuUsPerEvent: number;
  /** CPU of the nats-server they ran against; it shares the machine. */
  readonly serverCpuUsPerEvent: number;
}

export function readCpuClocks(pids: { readonly children: readonly number[]; readonly server: number }): CpuClocks {
  const { user, system } = process.cpuUsage();
  return {
    ms: performance.now(),
    us: Number(process.hrtime.bigint() / 1000n),
    children: pids.children.reduce((sum, pid) => sum + cpuMicroseconds(pid), 0),
    server: cpuMicroseconds(pids.server),
    own: user + system,
    machine: machineCpuMicroseconds(),
  };
}

export function costs(start: CpuClocks, end: CpuClocks, events: number): Costs {
  return {
    runMs: end.ms - start.ms,
    eventsPerSecond: (1000 * events) / (end.ms - start.ms),
    cpuUsPerEvent: (end.children - start.children) / events,
    serverCpuUsPerEvent: (end.server - start.server) / events,
  };
}

/** Share of the machine's cores that nobody of interest used, percent. */
export function othersPercent(start: CpuClocks, end: CpuClocks): number {
  const used = (clocks: CpuClocks) => clocks.machine - clocks.children - clocks.server - clocks.own;
  const percent = (used(end) - used(start)) / ((end.us - start.us) / 100) / availableParallelism();
  return Math.max(0, percent);
}

/**
 * CPU time a process has used so far with all its threads, in microseconds, read from outside so that the process
 * itself is not held up.
 *
 * Exact on Linux (`schedstat`, threads that have ended left out); elsewhere from `ps`, to 10 ms.
 */
export function cpuMicroseconds(pid: number): number {
  if (process.platform !== "linux")
    return fromPs(execFileSync("ps", ["-o", "time=", "-p", String(pid)], { encoding: "utf8" }));
  let nanoseconds = 0;
  for (const thread of readdirSync(`/proc/${pid}/task`)) {
    try {
      nanoseconds += Number(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, "utf8").split(" ")[0]);
    } catch {
      // The thread ended between the two reads.
    }
  }
  return nanoseconds / 1000;
}

/** CPU time all programs of the machine have used so far, in microseconds, to 10 ms. */
function machineCpuMicroseconds(): number {
  const busyMs = cpus().map(({ times }) => times.user + times.nice + times.sys + times.irq);
  return busyMs.reduce((sum, ms) => sum + ms, 0) * 1000;
}

/** `[[dd-]hh:]mm:ss[.cc]` in microseconds. */
function fromPs(time: string): number {
  const [seconds = 0, minutes = 0, hours = 0, days = 0] = time.trim().split(/[:-]/).reverse().map(Number);
  return (((days * 24 + hours) * 60 + minutes) * 60 + seconds) * 1e6;
}
