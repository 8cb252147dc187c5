import { extname } from "node:path";
import { Worker } from "node:worker_threads";
import type Database from "better-sqlite3";

/** Moves the write-ahead log into the database file beside the event path, on a thread of its own. */
export interface Checkpoints {
  /** The thread has let go of the file when this resolves. */
  stop(): Promise<void>;
}

/** 320 MiB: only when the thread cannot keep up does a commit pay for a checkpoint itself. */
const BACKSTOP_PAGES = 40_000;

/**
 * Starts the thread. Inline, a checkpoint held up the events for 86 to 199 ms every few seconds: it waits for the disk.
 *
 * @param db - the writing connection to `file`; it stops making checkpoints of its own.
 * @param onTrouble - a checkpoint failed, or the thread ended; the log grows until one succeeds, nothing is lost.
 */
export function startCheckpoints(db: Database.Database, file: string, onTrouble: (error: Error) => void): Checkpoints {
  db.pragma(`wal_autocheckpoint = ${BACKSTOP_PAGES}`);
  // Written as this file is: .ts in a clone, .js in the package.
  const thread = new URL(`./checkpoint-thread${extname(import.meta.filename)}`, import.meta.url);
  const worker = new Worker(thread, { workerData: { file } });
  let stopping = false;
  worker.on("message", (problem: string) => onTrouble(new Error(problem)));
  worker.on("error", onTrouble);
  const ended = new Promise<void>((resolve) => {
    worker.once("exit", () => {
      if (!stopping) onTrouble(new Error("the thread for checkpoints has ended"));
      resolve();
    });
  });
  // It keeps nothing alive: the process may end without it.
  worker.unref();
  return {
    async stop() {
      stopping = true;
      worker.ref();
      worker.postMessage("stop");
      await ended;
    },
  };
}
