import { extname } from "node:path";
import { Worker } from "node:worker_threads";
import type Database from "better-sqlite3";
import { asError } from "../actor/as-error.ts";
import { type Clock, SYSTEM_CLOCK } from "../flow/clock.ts";
import type { Told } from "./checkpoint-thread.ts";
import { pagesOf } from "./database.ts";

/** 320 MiB: only when the thread cannot keep up does a commit pay for a checkpoint itself. */
const BACKSTOP_BYTES = 320 * 2 ** 20;

/** A reader that goes within this time is waited for. */
const READER_MS = 100;
/** So often in a row somebody is in the way until it is said, and not tried for a while. */
const ATTEMPTS = 3;
const RETRY_MS = 30_000;

/**
 * Moves the write-ahead log into the database file beside the event path, on a thread of its own. Inline, a checkpoint held up the events for 86 to 199 ms every few seconds: it waits for the disk.
 *
 * @param db - the writing connection to `file`; it stops making checkpoints of its own.
 * @param onTrouble - a checkpoint failed, or the thread ended; the log grows until one succeeds, nothing is lost.
 * @param isRead - this process reads a moment of the past: the log cannot start over until it has.
 * @returns ends it; the thread has let go of the file when that resolves.
 */
export function startCheckpoints(
  db: Database.Database,
  file: string,
  onTrouble: (error: Error) => void,
  isRead: () => boolean = () => false,
): () => Promise<void> {
  db.pragma(`wal_autocheckpoint = ${pagesOf(db, BACKSTOP_BYTES)}`);
  // Written as this file is: .ts in a clone, .js in the package.
  const thread = new URL(`./checkpoint-thread${extname(import.meta.filename)}`, import.meta.url);
  const worker = new Worker(thread, { workerData: { file } });
  let stopping = false;
  const startOver = createStartOver(db, onTrouble);
  worker.on("message", (told: Told) => {
    if ("problem" in told) onTrouble(new Error(told.problem));
    else if (!stopping && !isRead()) startOver(told.longPages);
  });
  worker.on("error", onTrouble);
  const ended = new Promise<void>((resolve) => {
    worker.once("exit", () => {
      if (!stopping) onTrouble(new Error("the thread for checkpoints has ended"));
      resolve();
    });
  });
  // It keeps nothing alive: the process may end without it.
  worker.unref();
  return async () => {
    stopping = true;
    worker.ref();
    worker.postMessage("stop");
    await ended;
  };
}

/**
 * Lets the log begin anew, by its writer and between two transactions: of this process nobody can be in the way then. One
 * who is, reads in another: he is told of once, and the log grows until he has read.
 */
export function createStartOver(
  db: Database.Database,
  onTrouble: (error: Error) => void,
  { now }: Pick<Clock, "now"> = SYSTEM_CLOCK,
): (pages: number) => void {
  let failures = 0;
  let afterMs = Number.NEGATIVE_INFINITY;
  let isTold = false;

  return (pages) => {
    if (!db.open || db.inTransaction || now() < afterMs) return;
    const problem = restart(db);
    if (problem === undefined) {
      failures = 0;
      isTold = false;
      return;
    }
    if (++failures < ATTEMPTS) return;
    failures = 0;
    afterMs = now() + RETRY_MS;
    if (isTold) return;
    isTold = true;
    onTrouble(new Error(`the write-ahead log has ${pages} pages and cannot be started over: ${problem}`));
  };
}

/** @returns what was in the way: a reader; or the disk, whose trouble ends no daemon. */
function restart(db: Database.Database): string | undefined {
  const waitMs = db.pragma("busy_timeout", { simple: true }) as number;
  db.pragma(`busy_timeout = ${READER_MS}`);
  try {
    const [result] = db.pragma("wal_checkpoint(RESTART)") as { busy: number }[];
    return result?.busy === 0 ? undefined : `a backup, a verify or another program reads ${db.name}`;
  } catch (error) {
    return asError(error).message;
  } finally {
    db.pragma(`busy_timeout = ${waitMs}`);
  }
}
