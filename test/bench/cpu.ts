import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { cpus } from "node:os";

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
export function machineCpuMicroseconds(): number {
  const busyMs = cpus().map(({ times }) => times.user + times.nice + times.sys + times.irq);
  return busyMs.reduce((sum, ms) => sum + ms, 0) * 1000;
}

/** `[[dd-]hh:]mm:ss[.cc]` in microseconds. */
function fromPs(time: string): number {
  const [seconds = 0, minutes = 0, hours = 0, days = 0] = time.trim().split(/[:-]/).reverse().map(Number);
  return (((days * 24 + hours) * 60 + minutes) * 60 + seconds) * 1e6;
}
