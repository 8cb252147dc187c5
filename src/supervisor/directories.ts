import { existsSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** Where one of several daemons keeps its store. */
export interface DataDirectory {
  /** From 1. */
  readonly daemon: number;
  readonly path: string;
}

/** Beside the store of a daemon whose partitions have all moved to others: it is not needed to read them any more. */
const LEFT = "left";

/**
 * The data directories of so many daemons: the first has NATSTATE_DATA itself, as a daemon alone has, the others one each
 * below it.
 */
export function directoriesOf(dataDir: string, daemons: number): readonly DataDirectory[] {
  return Array.from({ length: daemons }, (_, index) => ({
    daemon: index + 1,
    path: index === 0 ? dataDir : join(dataDir, "daemons", String(index + 1)),
  }));
}

/** Directories with a store, below NATSTATE_DATA, by number: of those that run, and of those that ran. */
export function furtherDirectories(dataDir: string): readonly DataDirectory[] {
  const below = join(dataDir, "daemons");
  if (!existsSync(below)) return [];
  return readdirSync(below)
    .filter((name) => /^[1-9]\d{0,3}$/.test(name) && existsSync(join(below, name, "natstate.db")))
    .map((name) => ({ daemon: Number(name), path: join(below, name) }))
    .sort((a, b) => a.daemon - b.daemon);
}

/** Directories whose stores are in use, NATSTATE_DATA first: those that have left are not needed any more. */
export function usedDirectories(dataDir: string): readonly DataDirectory[] {
  return [{ daemon: 1, path: dataDir }, ...furtherDirectories(dataDir).filter(({ path }) => !hasLeft(path))];
}

/**
 * Those that are more than are wanted, and may hold what nobody else has: they run until their partitions have moved.
 */
export function surplusDirectories(dataDir: string, daemons: number): readonly DataDirectory[] {
  return furtherDirectories(dataDir).filter(({ daemon, path }) => daemon > daemons && !hasLeft(path));
}

/** Have the partitions of this directory's daemon moved to others? */
export function hasLeft(path: string): boolean {
  return existsSync(join(path, LEFT));
}

/** Its partitions have moved. The store stays: who takes it up again has less to read, and who needs room may delete it. */
export function markLeft(path: string): void {
  writeFileSync(join(path, LEFT), `${new Date().toISOString()}\n`);
}

/** It is used again. */
export function unmarkLeft(path: string): void {
  rmSync(join(path, LEFT), { force: true });
}
