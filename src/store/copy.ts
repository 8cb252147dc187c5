import { closeSync, copyFileSync, existsSync, fsyncSync, linkSync, openSync, renameSync, rmSync } from "node:fs";
import { dirname } from "node:path";
import Database from "better-sqlite3";
import { openToRead } from "./database.ts";
import { StoreError } from "./store-error.ts";

/** Told how far a long step is. */
export type OnProgress = (done: number, total: number) => void;

/** About 1 MiB: the daemon's commits wait for none of it. */
const PAGES_AT_ONCE = 256;

/** A store and where its copy goes, which is replaced when it is there. */
export interface StoreCopy {
  readonly file: string;
  readonly to: string;
}

/**
 * Copies stores, each as it is at one moment, while daemons may go on writing them.
 *
 * The copies appear under their names only when all are whole, checked and on disk.
 *
 * @param onProgress - told which one is copied.
 * @throws StoreError when there is no store, or when a copy is not sound.
 */
export async function copyStores(
  copies: readonly StoreCopy[],
  onProgress: (copy: StoreCopy, ...pages: Parameters<OnProgress>) => void,
): Promise<void> {
  const remove = () => {
    for (const { to } of copies) removeStore(draftOf(to));
  };
  remove();
  process.on("exit", remove);
  try {
    for (const copy of copies) await draftCopy(copy, (done, total) => onProgress(copy, done, total));
    for (const { to } of copies) putInPlace(draftOf(to), to);
  } catch (error) {
    remove();
    throw error;
  } finally {
    process.off("exit", remove);
  }
}

/** The same of one store. */
export function copyStore(file: string, to: string, onProgress: OnProgress = () => {}): Promise<void> {
  return copyStores([{ file, to }], (_, done, total) => onProgress(done, total));
}

function draftOf(to: string): string {
  return `${to}.partial`;
}

async function draftCopy({ file, to }: StoreCopy, onProgress: OnProgress): Promise<void> {
  const db = openToRead(file);
  if (db === undefined) throw new StoreError(`there is no store ${file}: is NATSTATE_DATA the daemon's?`);
  await copyPages(db, draftOf(to), onProgress);
  const problem = sealStore(draftOf(to));
  if (problem !== null) {
    throw new StoreError(`${file} is damaged, its copy is not sound: ${problem}. Run: npx natstate rebuild`);
  }
}

/** Closes `db`. */
async function copyPages(db: Database.Database, draft: string, onProgress: OnProgress): Promise<void> {
  try {
    // One read transaction over all steps: otherwise every commit of the daemon would begin the copy anew.
    db.exec("BEGIN");
    db.prepare("SELECT count(*) FROM sqlite_schema").get();
    await db.backup(draft, {
      progress({ totalPages, remainingPages }) {
        onProgress(totalPages - remainingPages, totalPages);
        return PAGES_AT_ONCE;
      },
    });
  } finally {
    db.close();
  }
}

/**
 * Reads all of a store nobody writes, and makes it one file, without `-wal` beside it.
 *
 * @returns what SQLite finds wrong with it, null when nothing.
 */
export function sealStore(file: string): string | null {
  try {
    const db = new Database(file, { fileMustExist: true });
    try {
      const found = db.pragma("integrity_check(1)", { simple: true }) as string;
      if (found !== "ok") return found;
      db.pragma("journal_mode = DELETE");
      return null;
    } finally {
      db.close();
    }
  } catch (error) {
    return (error as Error).message;
  }
}

/**
 * Puts a new, sealed store in the place of the old one, at once; both must be closed and the old one locked.
 *
 * At every moment there is a whole store under the name.
 *
 * @returns where the old one is kept; null when there was none.
 */
export function swapStore(draft: string, file: string): string | null {
  if (!existsSync(file)) {
    putInPlace(draft, file);
    return null;
  }
  const kept = `${file}.before-rebuild`;
  settle(file, kept);
  rmSync(kept, { force: true });
  try {
    linkSync(file, kept);
  } catch {
    // A file system without hard links.
    copyFileSync(file, kept);
  }
  putInPlace(draft, file);
  return kept;
}

/** A write-ahead log of the old store would be taken for one of the new. */
function settle(file: string, kept: string): void {
  for (const suffix of ["-wal", "-shm"]) rmSync(`${kept}${suffix}`, { force: true });
  try {
    const db = new Database(file);
    db.pragma("wal_checkpoint(TRUNCATE)");
    db.close();
  } catch {
    // Damaged: it is kept as it is.
  }
  if (existsSync(`${file}-wal`)) renameSync(`${file}-wal`, `${kept}-wal`);
  rmSync(`${file}-shm`, { force: true });
}

/** Gives a closed store its name at once, never half; it survives a power cut. */
function putInPlace(draft: string, file: string): void {
  sync(draft);
  renameSync(draft, file);
  sync(dirname(file));
}

/** Removes a store's files. */
export function removeStore(file: string): void {
  for (const suffix of ["", "-wal", "-shm", "-journal"]) rmSync(`${file}${suffix}`, { force: true });
}

function sync(path: string): void {
  const descriptor = openSync(path, "r");
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}
