import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { existsSync, type FSWatcher, watch } from "node:fs";
import { basename, dirname, extname, join, relative, resolve } from "node:path";
import type { Command } from "commander";
import { withExamples } from "./arguments.ts";
import { namedModule, registryModule } from "./load-actor-types.ts";
import { say } from "./output.ts";
import { endOnSignals } from "./signals.ts";

/** An editor writes a file in several steps, and several files at once. */
const SETTLE_MS = 100;
/** As `start` is read best: for a person, each decision a line. What the environment says goes before. */
const READABLE = { NATSTATE_LOG_FORMAT: "pretty", NATSTATE_LOG_DECISIONS: "info" };

/** Adds `natstate dev`: the daemon, started again at each change. */
export function addDev(program: Command): void {
  const command = program
    .command("dev")
    .description(
      "Run the daemon with readable logs, and start it again when the actor types' module, or what it imports, changes. One that does not load is told, and the next change waited for.",
    )
    .action(dev);
  withExamples(command, [
    ["npx natstate dev", "with the types of machines/registry.ts"],
    ["npx natstate dev --actors actors.ts", "with those of another module"],
  ]);
}

async function dev(): Promise<void> {
  using ending = endOnSignals();
  using changes = watchFiles();
  const module = namedModule(process.argv.slice(2), process.env) ?? registryModule();
  // Also when it is not loaded, because there is no such file yet.
  if (module !== undefined) changes.add(resolve(module.path));
  while (!ending.signal.aborted) {
    const daemon = startDaemon(changes.add);
    const exited = once(daemon, "exit").then(([code]) => code as number | null);
    const changed = changes.next(ending.signal);
    const end = await Promise.race([exited, changed]);
    if (typeof end === "string") say(`${relative("", end)} has changed, starting again`);
    else if (!ending.signal.aborted && end !== undefined) {
      if (end === 0) return;
      say("waiting for a change of the module; Ctrl-C ends");
      const file = await changed;
      if (file !== undefined) say(`${relative("", file)} has changed, starting again`);
    }
    await stop(daemon, exited, ending.signal);
  }
}

/** @param onModule - told each file of the user's that it loads. */
function startDaemon(onModule: (file: string) => void): ChildProcess {
  const own = extname(import.meta.filename);
  const daemon = fork(join(import.meta.dirname, `../cli${own}`), ["start", ...process.argv.slice(3)], {
    execArgv: ["--import", join(import.meta.dirname, `report-modules${own}`)],
    env: { ...READABLE, ...process.env },
  });
  daemon.on("message", (file) => onModule(String(file)));
  return daemon;
}

/** A graceful stop: the next one needs the data, and the port of NATS. */
async function stop(daemon: ChildProcess, exited: Promise<unknown>, ending: AbortSignal): Promise<void> {
  // A signal of the terminal has come to it, too; one that comes twice at once counts as one.
  daemon.kill(ending.aborted ? (ending.reason as NodeJS.Signals) : "SIGTERM");
  await exited;
}

/** Watches files by their directories: an editor puts a new file in the place of the old one. */
function watchFiles() {
  const files = new Set<string>();
  const watchers = new Map<string, FSWatcher>();
  let tell: (file: string) => void = () => {};
  let settling: NodeJS.Timeout | undefined;

  function onChange(directory: string, name: string | null): void {
    const file = join(directory, name ?? "");
    if (!files.has(file)) return;
    clearTimeout(settling);
    settling = setTimeout(() => tell(file), SETTLE_MS);
  }

  return {
    add(file: string): void {
      files.add(file);
      const directory = dirname(file);
      if (watchers.has(directory) || !existsSync(directory)) return;
      watchers.set(
        directory,
        watch(directory, (_, name) => onChange(directory, name && basename(name))),
      );
    },
    /** The next file that changes from now on; undefined once `signal` aborts. */
    next: (signal: AbortSignal) =>
      new Promise<string | undefined>((resolve) => {
        tell = resolve;
        signal.addEventListener("abort", () => resolve(undefined), { once: true });
      }),
    [Symbol.dispose]() {
      clearTimeout(settling);
      for (const watcher of watchers.values()) watcher.close();
    },
  };
}
