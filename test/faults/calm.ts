import { readFileSync } from "node:fs";
import type { DaemonProcess } from "../e2e/daemon-process.ts";
import { pause } from "./processes.ts";
import type { World } from "./world.ts";

const WATCHED_MS = 2000;
/** Of one core, and lines of the log at `warn`, in that time. Idle, it takes 2 to 5 % and writes none. */
const MOST_CPU = 0.5;
const MOST_LINES = 20;

/** With nothing to do, the daemon must not be busy: not with itself, nor with a message it cannot make sense of. */
export async function expectCalm(world: World): Promise<void> {
  const daemon = world.daemon();
  const before = { cpuMs: cpuMsOf(daemon), lines: linesOf(daemon) };
  await pause(WATCHED_MS);
  const cpu = (cpuMsOf(daemon) - before.cpuMs) / WATCHED_MS;
  const lines = linesOf(daemon) - before.lines;
  if (cpu > MOST_CPU || lines > MOST_LINES) {
    const busy = `${Math.round(cpu * 100)} % of a core and ${lines} lines of log`;
    throw new Error(`idle, it takes ${busy} in 2 s:\n${daemon.output().slice(-1500)}`);
  }
}

function linesOf(daemon: DaemonProcess): number {
  return daemon.output().split("\n").length;
}

/** User and system time, in ms; 0 where there is no /proc. */
function cpuMsOf({ pid }: DaemonProcess): number {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    const [, , , , , , , , , , , user, system] = stat.slice(stat.lastIndexOf(")") + 1).split(" ");
    return (Number(user) + Number(system)) * 10;
  } catch {
    return 0;
  }
}
