/** Mistyped ones are answered at once. */
const FREE = 3;
/** One is forgotten after so long. */
const FORGET_MS = 1000;
const STEP_MS = 100;
/** At 512 connections that is a hundred guesses a second. */
const MOST_MS = 5000;
/** More are not counted: after a minute of silence all are forgotten. */
const MOST = FREE + MOST_MS / STEP_MS;

/**
 * How long the answer to a wrong token waits: the longer, the more of them there were lately, whoever sent them. Right ones
 * never wait.
 *
 * @param nowMs - a monotonic clock.
 * @returns called for each wrong token: ms.
 */
export function createSlowdown(nowMs: () => number = () => performance.now()): () => number {
  let lately = 0;
  let atMs = nowMs();
  return () => {
    const before = atMs;
    atMs = nowMs();
    lately = Math.min(MOST, Math.max(0, lately - (atMs - before) / FORGET_MS) + 1);
    return Math.max(0, lately - FREE) * STEP_MS;
  };
}
