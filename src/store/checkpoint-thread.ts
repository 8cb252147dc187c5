import { parentPort, workerData } from "node:worker_threads";
import Database from "better-sqlite3";

/*
 * The thread behind `checkpoints.ts`. A passive checkpoint and the writer never wait for each other; but under load
 * without a pause the log then never starts over. Once it is long, the writer is asked to start it over itself, between
 * two of its transactions: from here its lock is hardly ever to be had while a large store catches up.
 */
const EVERY_MS = 1000;
const LONG_LOG_BYTES = 64 * 2 ** 20;

/** What the thread tells. */
export type Told = { readonly longPages: number } | { readonly problem: string };

const { file } = workerData as { file: string };
const db = new Database(file, { fileMustExist: true, timeout: 0 });
const longPages = LONG_LOG_BYTES / (db.pragma("page_size", { simple: true }) as number);
let lastProblem = "";

const timer = setInterval(() => {
  try {
    const pages = copyLog();
    lastProblem = "";
    // Once more, so that the writer has the least to copy.
    if (pages > longPages) tell({ longPages: copyLog() });
  } catch (error) {
    const { message } = error as Error;
    if (message !== lastProblem) tell({ problem: message });
    lastProblem = message;
  }
}, EVERY_MS);

parentPort?.once("message", () => {
  clearInterval(timer);
  db.close();
});

function tell(told: Told): void {
  parentPort?.postMessage(told);
}

/** @returns pages in the log, copied ones included. */
function copyLog(): number {
  const [result] = db.pragma("wal_checkpoint(PASSIVE)") as { log: number }[];
  return result?.log ?? 0;
}
