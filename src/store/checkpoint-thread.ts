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

/** Attempts that may come to nothing because the writer itself was in the way, one commit after the other. */
const ATTEMPTS = 3;
/** After so many that came to nothing. */
const RETRY_MS = 30_000;

const { file } = workerData as { file: string };
const db = new Database(file, { fileMustExist: true, timeout: BUSY_MS });
let lastProblem = "";
let restartAfterMs = 0;
let failures = 0;

const timer = setInterval(() => {
  try {
    const problem = keepShort();
    if (problem !== "" && problem !== lastProblem) parentPort?.postMessage(problem);
    lastProblem = problem;
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

/** @returns why the log stays long, empty when it does not. */
function keepShort(): string {
  if (copyLog("PASSIVE").pages <= LONG_LOG_PAGES) return "";
  if (performance.now() < restartAfterMs) return lastProblem;
  copyLog("PASSIVE");
  const { isBusy, pages } = copyLog("RESTART");
  failures = isBusy ? failures + 1 : 0;
  if (!isBusy) return "";
  if (failures < ATTEMPTS) return lastProblem;
  failures = 0;
  restartAfterMs = performance.now() + RETRY_MS;
  return `the write-ahead log has ${pages} pages and cannot be started over: another program reads ${file}`;
}

/** @returns pages in the log, copied ones included; and whether somebody was in the way. */
function copyLog(mode: "PASSIVE" | "RESTART"): { readonly pages: number; readonly isBusy: boolean } {
  const [result] = db.pragma(`wal_checkpoint(${mode})`) as { busy: number; log: number }[];
  return { pages: result?.log ?? 0, isBusy: result?.busy === 1 };
}
