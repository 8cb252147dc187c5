import { closeSync, lstatSync, openSync, readdirSync, readSync, rmSync, statSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import type { Command } from "commander";
import type { ActorType } from "../actor/actor-type.ts";
import { readConfig } from "../config/config.ts";
import { createProgress } from "../ops/progress.ts";
import { copyStores } from "../store/copy.ts";
import { openReader, type StoreReader } from "../store/reader.ts";
import { StoreError } from "../store/store-error.ts";
import { furtherDirectories, usedDirectories } from "../supervisor/directories.ts";
import { withExamples } from "./arguments.ts";
import { CliError } from "./exit-codes.ts";
import { pairs, print, printJson } from "./output.ts";
import { exitOnSignals } from "./signals.ts";

interface BackupOptions {
  readonly force?: boolean;
  readonly json?: boolean;
}

/** Adds `natstate backup`: a copy of the store as it is at one moment; of each, where there are several daemons. */
export function addBackup(program: Command, types: readonly ActorType[]): void {
  const command = program
    .command("backup <file>")
    .description(
      "Copy the store while the daemon goes on; those of further daemons below NATSTATE_DATA to <file>.2, <file>.3, … To restore: stop the daemon, put each file in place of its daemon's natstate.db (remove natstate.db-wal), start; what has happened since is read from the stream.",
    )
    .option("--force", "replace the file when it is there; remove earlier copies of daemons that have left")
    .option("--json", "print JSON")
    .action((file: string, options: BackupOptions) => backup(types, resolve(file), options));
  withExamples(command, [
    ["npx natstate backup /backups/natstate.db", "the store of NATSTATE_DATA, and those of further daemons below it"],
    ["npx natstate backup nightly.db --force --json", "from a scheduler"],
  ]);
}

async function backup(types: readonly ActorType[], file: string, options: BackupOptions): Promise<void> {
  exitOnSignals();
  const dataDir = readConfig(process.env).NATSTATE_DATA;
  const copies = usedDirectories(dataDir).map(({ daemon, path }) => ({
    ...{ daemon, storeFile: join(path, "natstate.db") },
    file: daemon === 1 ? file : `${file}.${daemon}`,
  }));
  const storeFiles = copies.map(({ storeFile }) => storeFile);
  for (const copy of copies) checkTarget(copy.file, storeFiles, options.force === true);
  const progress = createProgress(process.stderr);
  await copyStores(
    copies.map(({ storeFile, file }) => ({ file: storeFile, to: file })),
    ({ to }, done, total) => progress.count(`copying pages to ${basename(to)}`, done, total),
  ).finally(progress.clear);
  const made = copies.map((copy) => ({ ...copy, content: describe(types, copy.file) }));
  // A number that no daemon here ever had is somebody's own, as of older copies that are kept in turn.
  const left = furtherDirectories(dataDir).map(({ daemon }) => `${file}.${daemon}`);
  const others = othersBeside(file, copies);
  const removed = others.filter((other) => options.force === true && left.includes(other));
  for (const other of removed) rmSync(other);
  const notOfThis = others.filter((other) => !removed.includes(other));
  if (options.json) {
    printJson({
      ...summarize(made),
      ...(removed.length > 0 && { removed }),
      ...(notOfThis.length > 0 && { notOfThis }),
    });
  } else {
    print([
      ...made.flatMap((copy, index) => [...(index === 0 ? [] : [""]), ...render(copy, made.length)]),
      ...removed.map((other) => `removed ${other}, of an earlier backup: that daemon has left`),
      ...notOfThis.map((other) => `${other} is not of this backup: do not restore it with this one`),
    ]);
  }
}

interface Target {
  readonly daemon: number;
  readonly storeFile: string;
  readonly file: string;
}

type Content = ReturnType<typeof describe>;
type Copy = Target & { readonly content: Content };

/** Stores that whoever restores the copies would take for some of them, by their names. */
function othersBeside(file: string, copies: readonly Target[]): string[] {
  const prefix = `${basename(file)}.`;
  return readdirSync(dirname(file))
    .filter((name) => name.startsWith(prefix) && /^[1-9]\d{0,3}$/.test(name.slice(prefix.length)))
    .map((name) => join(dirname(file), name))
    .filter((path) => !copies.some((copy) => copy.file === path) && isDatabase(path));
}

const SQLITE = "SQLite format 3\0";

function isDatabase(path: string): boolean {
  if (!lstatSync(path).isFile()) return false;
  let descriptor: number | undefined;
  try {
    descriptor = openSync(path, "r");
    const head = Buffer.alloc(SQLITE.length);
    readSync(descriptor, head);
    return head.toString("latin1") === SQLITE;
  } catch {
    // Another user's: the copies are made whatever is beside them.
    return false;
  } finally {
    if (descriptor !== undefined) closeSync(descriptor);
  }
}

/** As of one store; each further one has what the others have not. */
function summarize([first, ...further]: readonly Copy[]): object {
  if (first === undefined) return {};
  const { file, content } = first;
  const others = further.map(({ daemon, storeFile, file, content }) => ({ daemon, storeFile, file, ...content }));
  return { file, ...content, ...(others.length > 0 && { further: others }) };
}

function render({ daemon, storeFile, file, content }: Copy, copies: number): string[] {
  const streams = content.streams.map(({ name, checkpoint }) => [`${name} up to`, String(checkpoint)] as const);
  const counts = Object.entries(content.actors).map(([name, count]) => [name, String(count)] as const);
  const whose = copies === 1 ? [] : [[`of daemon ${daemon}`, storeFile] as const];
  return pairs([...whose, ["file", file], ["bytes", String(content.bytes)], ...counts, ...streams]);
}

/** By device and inode: the store has as many names as there are links to it and to the directories above it. */
function checkTarget(file: string, storeFiles: readonly string[], force: boolean): void {
  const directory = dirname(file);
  if (!statSync(directory, { throwIfNoEntry: false })?.isDirectory()) {
    throw new CliError("usage", `there is no directory ${directory}: make it, or name another file`);
  }
  const target = statSync(file, { throwIfNoEntry: false, bigint: true });
  if (target === undefined) return;
  if (target.isDirectory()) throw new CliError("usage", `${file} is a directory: name a file in it`);
  const stores = storeFiles.map((each) => statSync(each, { throwIfNoEntry: false, bigint: true }));
  if (stores.some((store) => target.dev === store?.dev && target.ino === store.ino)) {
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
