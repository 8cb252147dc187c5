import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import type Database from "better-sqlite3";

/** Pages put into the write-ahead log, by the table or index they are of. */
export type PageCounts = Readonly<Record<string, number>>;

/** Counts what commits put into the write-ahead log, page by page; the log is kept from starting over meanwhile. */
export interface WalFrames {
  /** After each commit. */
  look(): void;
  /** For each of so many events. Reads the whole store. */
  perTable(events: number): PageCounts;
  [Symbol.dispose](): void;
}

/** Of the log (SQLite, walformat.html). */
const HEADER_BYTES = 32;
const FRAME_HEADER_BYTES = 24;

/** @param db - the writing connection. */
export function readFrames(db: Database.Database, file: string): WalFrames {
  db.pragma("wal_checkpoint(TRUNCATE)");
  db.pragma("wal_autocheckpoint = 0");
  const pageBytes = db.pragma("page_size", { simple: true }) as number;
  const log = openSync(`${file}-wal`, "r");
  const header = Buffer.alloc(FRAME_HEADER_BYTES);
  const written = new Map<number, number>();
  let at = HEADER_BYTES;
  return {
    look() {
      for (const end = fstatSync(log).size; at < end; at += FRAME_HEADER_BYTES + pageBytes) {
        readSync(log, header, 0, FRAME_HEADER_BYTES, at);
        const page = header.readUInt32BE(0);
        written.set(page, (written.get(page) ?? 0) + 1);
      }
    },
    perTable(events) {
      const counts: Record<string, number> = {};
      const names = new Map(db.prepare("SELECT pageno, name FROM dbstat").raw().all() as [number, string][]);
      for (const [page, times] of written) {
        const name = names.get(page) ?? "none";
        counts[name] = (counts[name] ?? 0) + times / events;
      }
      return Object.fromEntries(Object.entries(counts).sort(([, a], [, b]) => b - a));
    },
    [Symbol.dispose]: () => closeSync(log),
  };
}
