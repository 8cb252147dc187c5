/** 9999-12-31T23:59:59Z: the last second a normalised timestamp can name, ms since the epoch. */
const LAST_SECOND_MS = 253_402_300_799_000;
const NANOS = 1_000_000_000;

/**
 * When a delay ends.
 *
 * @param timestamp - when it began, normalised (`normaliseTimestamp`); its nanoseconds are kept.
 * @param delayMs - finite and at least 0; finer than a nanosecond is rounded.
 * @returns normalised, or undefined when that is after the year 9999.
 */
export function addDelay(timestamp: string, delayMs: number): string | undefined {
  // The usual: whole milliseconds on both sides.
  if (timestamp.length === 24 && Number.isInteger(delayMs)) {
    const endMs = Date.parse(timestamp) + delayMs;
    return endMs >= LAST_SECOND_MS + 1000 ? undefined : new Date(endMs).toISOString();
  }
  const nanosOfStart = Number(timestamp.slice(20, -1).padEnd(9, "0"));
  const seconds = Math.floor(delayMs / 1000);
  const nanos = nanosOfStart + Math.round((delayMs - seconds * 1000) * 1_000_000);
  const endMs = Date.parse(`${timestamp.slice(0, 19)}Z`) + (seconds + Math.floor(nanos / NANOS)) * 1000;
  if (endMs > LAST_SECOND_MS) return undefined;
  const fraction = String(nanos % NANOS).padStart(9, "0");
  return `${new Date(endMs).toISOString().slice(0, 20)}${fraction.replace(/0+$/, "").padEnd(3, "0")}Z`;
}
