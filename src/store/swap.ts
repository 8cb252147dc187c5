import { copyFileSync, existsSync, linkSync, renameSync, rmSync } from "node:fs";
import Database from "better-sqlite3";
import { putInPlace } from "./copy.ts";

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
