import { readFileSync } from "node:fs";

/** What starts programs for others: by the name of its script, or as it calls itself (`npm start`). */
const RUNNER = /(^|\/)(npm|npx|pnpm|pnpx|yarn|bun|bunx)(-cli|-\d[\w.-]*?)?(\.[cm]?js)?$/;
/** A shell, and the Node that stands in for the pinned one, may be between. */
const MAX_ANCESTORS = 5;
const LOOK_EVERY_MS = 500;

interface Ancestor {
  readonly pid: number;
  readonly parent: number;
  /** In ticks since the boot: tells it from a later one with the same id. */
  readonly startedAt: string;
}

/**
 * Has this process end as by SIGTERM once the npm, npx or the like that started it, or whatever is between, has gone:
 * they pass SIGTERM on to a shell at best, which keeps it, and none can pass SIGKILL on. A daemon would go on unseen, with
 * its port and its data.
 *
 * Whoever was started by something else may outlive it, as with nohup.
 */
export function endWithStarter(): void {
  if (process.env.npm_lifecycle_event === undefined) return;
  const { ppid } = process;
  // Where there is no /proc, the parent is all that can be looked at.
  const started = find(process.pid) === undefined ? [] : startersOf(ppid);
  if (started === undefined) return;
  const timer = setInterval(() => {
    const isGone = process.ppid !== ppid || started.some(({ pid, startedAt }) => find(pid)?.startedAt !== startedAt);
    if (!isGone) return;
    clearInterval(timer);
    process.kill(process.pid, "SIGTERM");
  }, LOOK_EVERY_MS);
  timer.unref();
}

/** From the parent up to the runner; undefined when there is none: its variables were inherited, as from a terminal it began. */
function startersOf(parent: number): Ancestor[] | undefined {
  const between: Ancestor[] = [];
  for (let pid = parent; pid > 1 && between.length < MAX_ANCESTORS; ) {
    const found = find(pid);
    if (found === undefined) return undefined;
    between.push(found);
    if (isRunner(pid)) return between;
    pid = found.parent;
  }
  return undefined;
}

/** @returns undefined when it has ended, though its own parent may not have noticed yet. */
function find(pid: number): Ancestor | undefined {
  try {
    const status = readFileSync(`/proc/${pid}/stat`, "utf8");
    // proc_pid_stat(5): after the name in parentheses come state, parent, and as the 22nd of all the start time.
    const fields = status.slice(status.lastIndexOf(")") + 2).split(" ");
    if (/^[ZX]$/.test(fields[0] ?? "")) return undefined;
    return { pid, parent: Number(fields[1]), startedAt: fields[19] ?? "" };
  } catch {
    return undefined;
  }
}

function isRunner(pid: number): boolean {
  try {
    const words = readFileSync(`/proc/${pid}/cmdline`, "utf8").split(/[\0 ]/);
    return words.slice(0, 3).some((word) => RUNNER.test(word));
  } catch {
    return false;
  }
}
