const EVERY_MS = 1000;
/** Far above what holds the event loop up, far below the 2 minutes for which a stream knows a message by its id. */
const ASLEEP_MS = 10_000;

/**
 * Notices that the process was asleep: stopped by a signal, or with the machine it runs on.
 *
 * Looks at two clocks every second, and whenever it is asked: the one may be set, the other may stand still with the machine.
 */
export function createSleepWatch(wall = () => Date.now(), monotonic = () => performance.now()) {
  let count = 0;
  let awake = { wallMs: wall(), monotonicMs: monotonic() };
  const timer = setInterval(look, EVERY_MS).unref();

  function look(): void {
    const now = { wallMs: wall(), monotonicMs: monotonic() };
    if (Math.max(now.wallMs - awake.wallMs, now.monotonicMs - awake.monotonicMs) > ASLEEP_MS) count++;
    awake = now;
  }

  return {
    /** How often it was, up to now. */
    naps(): number {
      look();
      return count;
    },
    stop: () => clearInterval(timer),
  };
}
