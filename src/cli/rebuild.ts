import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Command } from "commander";
import type { ActorType } from "../actor/actor-type.ts";
import { type Rebuilt, rebuild } from "../care/rebuild.ts";
import { natsAccess, readConfig } from "../config/config.ts";
import { takeDataDir } from "../daemon/data-dir.ts";
import { startOwnServer, topologyOf } from "../daemon/nats-setup.ts";
import { readRuntimeFile } from "../daemon/runtime-file.ts";
import { openSession } from "../jetstream/session.ts";
import { ensureStreams } from "../jetstream/topology.ts";
import { createLogger } from "../ops/log.ts";
import { createProgress } from "../ops/progress.ts";
import { lockStore } from "../store/database.ts";
import { StoreError } from "../store/store-error.ts";
import { furtherDirectories } from "../supervisor/directories.ts";
import { lanesOf } from "../wire/lanes.ts";
import { withExamples } from "./arguments.ts";
import { readCrashPoint } from "./crash-point.ts";
import { CliError } from "./exit-codes.ts";
import { pairs, print, printJson, say } from "./output.ts";

interface RebuildOptions {
  readonly acceptDifferences?: boolean;
  readonly json?: boolean;
}

/** Adds `natstate rebuild`: a new store from the log, in place of the old one. */
export function addRebuild(program: Command, types: readonly ActorType[]): void {
  const command = program
    .command("rebuild")
    .description(
      "Make a new store from the stream and put it in place once it is verified; the old one is kept as natstate.db.before-rebuild. Stop the daemon first. Interrupted, it goes on when it is started again.",
    )
    .option("--accept-differences", "put it in place although it lacks something the old one has")
    .option("--json", "print JSON")
    .action((options: RebuildOptions) => run(types, options));
  withExamples(command, [
    ["npx natstate rebuild", "the store of NATSTATE_DATA, and those of further daemons below it"],
  ]);
}

async function run(types: readonly ActorType[], options: RebuildOptions): Promise<void> {
  // Nobody else is to find the server this starts: it need not have the daemon's port.
  const config = { ...readConfig(process.env), NATSTATE_NATS_PORT: 0 };
  takeDataDir(config, say);
  const directories = [config.NATSTATE_DATA, ...furtherDirectories(config.NATSTATE_DATA).map(({ path }) => path)];
  for (const directory of directories) refuseBesideDaemon(directory, join(directory, "natstate.db"));
  const topology = topologyOf(config);
  const progress = createProgress(process.stderr);
  const logger = createLogger({ level: "silent", pretty: false });
  const server = await startOwnServer({ config, env: process.env, logger, onProgress: say });
  try {
    const url = config.NATS_URL ?? server?.url ?? "";
    const session = await openSession({ url, ...natsAccess(config), name: "natstate-rebuild" }, () => {});
    try {
      await ensureStreams(session.jsm, types, { ...topology, manage: false });
      for (const directory of directories) {
        if (directories.length > 1) say(`the store of ${directory}`);
        const rebuilt = await rebuild({
          log: session,
          types,
          lanes: types.flatMap((type) => lanesOf(type, topology.partitions)),
          storeFile: join(directory, "natstate.db"),
          maxBytes: config.NATSTATE_MAX_EVENT_BYTES,
          acceptDifferences: options.acceptDifferences === true,
          onProgress: progress.count,
          reached: readCrashPoint(process.env),
        }).finally(progress.clear);
        if (options.json) printJson(rebuilt);
        else print(render(rebuilt));
      }
    } finally {
      await session.close();
    }
  } finally {
    await server?.stop();
  }
}

/** The lock says that a daemon runs; its runtime file is only asked which process it is. */
function refuseBesideDaemon(dataDir: string, storeFile: string): void {
  if (!existsSync(storeFile)) return;
  try {
    lockStore(storeFile)();
  } catch (error) {
    if (!(error instanceof StoreError)) throw error;
    const pid = readRuntimeFile(dataDir)?.pid;
    const [who, how] = pid === undefined ? ["", ""] : [` (process ${pid})`, ` (kill ${pid})`];
    const message = `${dataDir} is in use by natstate${who}: stop it first${how}, then run npx natstate rebuild again`;
    throw new CliError("failed", message, { cause: error });
  }
}

function render(rebuilt: Rebuilt): string[] {
  const { actors, events, fromOldStore, decisions, pending, quarantined, retired } = rebuilt;
  const { resumed, untouched, kept, explained, differences } = rebuilt;
  return pairs([
    ["rebuilt", resumed ? "going on where it had been interrupted" : "from the beginning"],
    ["actors", String(actors)],
    ["events", fromOldStore === 0 ? String(events) : `${events}, ${fromOldStore} of them from the old store`],
    ["decisions", pending === 0 ? `${decisions}, as DECISIONS has them` : `${decisions}`],
    ["to be published", `${pending}${pending === 0 ? "" : ", at the next start"}`],
    ["quarantined", String(quarantined)],
    ["retired", String(retired)],
    ...untouched.map(
      (stream) => ["taken over", `what the old store has of ${stream}: no type here is its own`] as const,
    ),
    ...explained.map((what) => ["by version", what] as const),
    ...differences.map((difference) => ["accepted", difference] as const),
    ["old store", kept ?? "there was none"],
  ]);
}
