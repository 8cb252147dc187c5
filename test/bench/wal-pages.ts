import { closeSync, openSync, readFileSync, readSync } from "node:fs";
import { monotonicMs, type Span } from "./stalls.ts";

/** Counts what a store's writer puts into its write-ahead log, from outside. */
export interface WalPages {
  /** So far; what was written in the last moment before the log started over is left out. */
  pages(): number;
  /** Of one page. */
  readonly pageBytes: number;
  [Symbol.dispose](): void;
}

const LOOK_EVERY_MS = 5;
/** Where the index of a write-ahead log has what is in it (SQLite, walformat.html, 1.1). */
const HEADER_BYTES = 48;
const PAGE_SIZE_AT = 14;
const LAST_FRAME_AT = 16;
const SALT_AT = 32;
/** Frames that were copied, and up to where that was begun. */
const COPIED_AT = 96;
const COPYING_AT = 128;

/**
 * @param file - of the store; its process has it open.
 */
export function watchWal(file: string): WalPages {
  const index = openSync(`${file}-shm`, "r");
  const header = Buffer.alloc(HEADER_BYTES);
  const read = () => {
    readSync(index, header, 0, HEADER_BYTES, 0);
    // Another salt: the log has started over.
    return { frames: header.readUInt32LE(LAST_FRAME_AT), salt: header.readUInt32LE(SALT_AT) };
  };
  let last = read();
  const pageSize = header.readUInt16LE(PAGE_SIZE_AT);
  let pages = 0;

  function look(): void {
    const now = read();
    pages += now.salt === last.salt ? Math.max(0, now.frames - last.frames) : now.frames;
    last = now;
  }

  const timer = setInterval(look, LOOK_EVERY_MS);
  return {
    pages() {
      look();
      return pages;
    },
    pageBytes: pageSize === 1 ? 65_536 : pageSize,
    [Symbol.dispose]() {
      clearInterval(timer);
      closeSync(index);
    },
  };
}

/** Notes when a store's log is copied into it, from outside. */
export function watchCopies(file: string) {
  const index = openSync(`${file}-shm`, "r");
  const word = Buffer.alloc(4);
  const wordAt = (at: number) => {
    readSync(index, word, 0, 4, at);
    return word.readUInt32LE();
  };
  const spans: Span[] = [];
  let fromMs: number | undefined;
  const timer = setInterval(() => {
    const isCopied = wordAt(COPYING_AT) > wordAt(COPIED_AT);
    if (isCopied) fromMs ??= monotonicMs();
    else if (fromMs !== undefined) {
      spans.push({ fromMs, toMs: monotonicMs() });
      fromMs = undefined;
    }
  }, LOOK_EVERY_MS);
  return {
    spans: spans as readonly Span[],
    [Symbol.dispose]() {
      clearInterval(timer);
      closeSync(index);
    },
  };
}

/** Is all that is in a store's log copied? */
export function isLogCopied(file: string): boolean {
  const index = readFileSync(`${file}-shm`);
  return index.readUInt32LE(LAST_FRAME_AT) === index.readUInt32LE(COPIED_AT);
}
