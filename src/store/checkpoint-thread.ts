import { parentPort, workerData } from "node:worker_threads";
import Database from "better-sqlite3";

/*
 * The thread behind `checkpoints.ts`. A passive checkpoint and the writer never wait for each other; but under load
 * without a pause the log then never starts over. Once it is long, one checkpoint in restart mode holds the writer up,
 * for the little that is left to copy.
 */
const EVERY_MS = 1000;
/** 64 MiB. */
const LONG_LOG_PAGES = 8192;
/** The writer is not held up longer than this by one that waits for readers. */
const BUSY_MS = 100;

const { file } = workerData as { file: string };
const db = new Database(file, { fileMustExist: true, timeout: BUSY_MS });
let lastProblem = "";

const timer = setInterval(() => {
  try {
    if (copyLog("PASSIVE") > LONG_LOG_PAGES) {
      copyLog("PASSIVE");
      copyLog("RESTART");
    }
    lastProblem = "";
  } catch (error) {
    const { message } = error as Error;
    if (message !== lastProblem) parentPort?.postMessage(message);
    lastProblem = message;
  }
}, EVERY_MS);

parentPort?.once("message", () => {
  clearInterval(timer);
  db.close();
});

/** @returns pages in the log, copied ones included. */
function copyLog(mode: "PASSIVE" | "RESTART"): number {
  const [result] = db.pragma(`wal_checkpoint(${mode})`) as { log: number }[];
  return result?.log ?? 0;
}
