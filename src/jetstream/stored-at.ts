/*
 * When a stream stored a message, in ms since the epoch. A delivery says so in nanoseconds, which the client reads into
 * a double: near a millisecond's end (1 message in 8000) that is the next millisecond. A message read by its sequence
 * says so as text. Both have to come to the same, or what was applied from one differs from what is derived from the
 * other.
 */

/** @param nanos - since the epoch, as a delivery's `info.timestampNanos`. */
export function storedAtNanos(nanos: number): number {
  return Math.floor(nanos / 1_000_000);
}

/** @param timestamp - RFC 3339 in UTC with up to 9 digits of a second, as a stored message's `timestamp`. */
export function storedAtText(timestamp: string): number {
  const [, seconds = "", fraction = ""] = /^(.*?)(?:\.(\d+))?Z$/.exec(timestamp) ?? [];
  return storedAtNanos(Number(`${Date.parse(`${seconds}Z`) / 1000}${fraction.padEnd(9, "0")}`));
}
