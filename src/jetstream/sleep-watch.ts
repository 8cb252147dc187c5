/** Notices that the process was asleep: stopped by a signal, or with the machine it runs on. */
export interface SleepWatch {
  /** How often it was, up to now. */
  naps(): number;
  stop(): void;
}

const EVERY_MS = 1000;
/** Far above what holds the event loop up, far below the 2 minutes for which a stream knows a message by its id. */
const ASLEEP_MS = 10_000;

/** Looks at the clocks every second, and whenever it is asked. */
export function createSleepWatch(): SleepWatch {
  let count = 0;
  let awake = { atMs: Date.now(), monotonicMs: performance.now() };
  const timer = setInterval(look, EVERY_MS).unref();

  function look(): void {
    const now = { atMs: Date.now(), monotonicMs: performance.now() };
    // The one clock may have been set, the other may stand still with the machine.
    if (Math.max(now.atMs - awake.atMs, now.monotonicMs - awake.monotonicMs) > ASLEEP_MS) count++;
    awake = now;
  }

  return {
    naps() {
      look();
      return count;
    },
    stop: () => clearInterval(timer),
  };
}
