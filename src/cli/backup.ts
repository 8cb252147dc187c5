import { statSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import type { Command } from "commander";
import type { ActorType } from "../actor/actor-type.ts";
import { readConfig } from "../config/config.ts";
import { createProgress } from "../ops/progress.ts";
import { copyStore } from "../store/copy.ts";
import { openReader, type StoreReader } from "../store/reader.ts";
import { StoreError } from "../store/store-error.ts";
import { furtherDirectories } from "../supervisor/directories.ts";
import { withExamples } from "./arguments.ts";
import { CliError } from "./exit-codes.ts";
import { pairs, print, printJson, say } from "./output.ts";
import { exitOnSignals } from "./signals.ts";

interface BackupOptions {
  readonly force?: boolean;
  readonly json?: boolean;
}

/** Adds `natstate backup`: a copy of the store as it is at one moment. */
export function addBackup(program: Command, types: readonly ActorType[]): void {
  const command = program
    .command("backup <file>")
    .description(
      "Copy the store while the daemon goes on. To restore: stop the daemon, put the file in place of natstate.db (remove natstate.db-wal), start; what has happened since is read from the stream.",
    )
    .option("--force", "replace the file when it is there")
    .option("--json", "print JSON")
    .action((file: string, options: BackupOptions) => backup(types, resolve(file), options));
  withExamples(command, [
    ["npx natstate backup /backups/natstate.db", "the store of NATSTATE_DATA"],
    ["npx natstate backup nightly.db --force --json", "from a scheduler"],
  ]);
}

async function backup(types: readonly ActorType[], file: string, options: BackupOptions): Promise<void> {
  exitOnSignals();
  const storeFile = join(readConfig(process.env).NATSTATE_DATA, "natstate.db");
  checkTarget(file, storeFile, options.force === true);
  const progress = createProgress(process.stderr);
  await copyStore(storeFile, file, (done, total) => progress.count("copying pages", done, total)).finally(
    progress.clear,
  );
  const content = describe(types, file);
  // Each has what the others have not.
  for (const { path } of furtherDirectories(dirname(storeFile))) {
    say(`${path} has a store of its own, which is not in this copy: NATSTATE_DATA=${path} npx natstate backup <file>`);
  }
  if (options.json) printJson({ file, ...content });
  else {
    const streams = content.streams.map(({ name, checkpoint }) => [`${name} up to`, String(checkpoint)] as const);
    const counts = Object.entries(content.actors).map(([name, count]) => [name, String(count)] as const);
    print(pairs([["file", file], ["bytes", String(content.bytes)], ...counts, ...streams]));
  }
}

/** By device and inode: the store has as many names as there are links to it and to the directories above it. */
function checkTarget(file: string, storeFile: string, force: boolean): void {
  const directory = dirname(file);
  if (!statSync(directory, { throwIfNoEntry: false })?.isDirectory()) {
    throw new CliError("usage", `there is no directory ${directory}: make it, or name another file`);
  }
  const target = statSync(file, { throwIfNoEntry: false, bigint: true });
  if (target === undefined) return;
  if (target.isDirectory()) throw new CliError("usage", `${file} is a directory: name a file in it`);
  const store = statSync(storeFile, { throwIfNoEntry: false, bigint: true });
  if (target.dev === store?.dev && target.ino === store.ino) {
    throw new CliError("usage", `${file} is the store itself`);
  }
  if (!force) throw new CliError("failed", `${file} is there already; --force replaces it`);
}

/** A store of an older schema is copied as it is; what it holds is not looked into. */
function describe(types: readonly ActorType[], file: string) {
  const reader = openCopy(file);
  if (reader === undefined) return { bytes: statSync(file).size, actors: {}, streams: [] };
  try {
    return {
      bytes: statSync(file).size,
      actors: Object.fromEntries(types.map((type) => [type.collection, reader.images.count(type.name)])),
      streams: reader.streams().map(({ name }) => ({ name, checkpoint: reader.records.highestCheckpoint(name) })),
    };
  } finally {
    reader.close();
  }
}

function openCopy(file: string): StoreReader | undefined {
  try {
    return openReader(file);
  } catch (error) {
    if (error instanceof StoreError) return undefined;
    throw error;
  }
}
