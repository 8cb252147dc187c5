/*
 * Event time as text: RFC 3339 in UTC with at least milliseconds, finer digits kept without trailing zeros
 * (`2026-01-01T10:00:00.000Z`, `2026-01-01T10:00:00.0000001Z`). Publishers in Go send nanoseconds; a Date would round
 * two events onto one instant and let their ids, not their times, decide which is newer.
 */
const RFC_3339 =
  /^(\d{4}-\d{2}-\d{2})[Tt ](\d{2}:\d{2}:\d{2})(?:\.(\d{1,9})\d*)?(?:[Zz]|([+-])([01]\d|2[0-3]):([0-5]\d))$/;

/** The usual form, JavaScript's and most publishers', of a time that exists: its own normal form. 29 February is looked at. */
const NORMAL =
  /^\d{4}-(?:(?:0[1-9]|1[0-2])-(?:0[1-9]|1\d|2[0-8])|(?:0[13-9]|1[0-2])-(?:29|30)|(?:0[13578]|1[02])-31)T(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d\.\d{3}Z$/;

/**
 * Brings a timestamp into the one form in which event times are compared and shown.
 *
 * @param text - RFC 3339 with a zone; digits finer than a nanosecond are cut off.
 * @returns the same instant in UTC, or null when `text` is not such a timestamp (a leap second is not).
 */
export function normaliseTimestamp(text: string): string | null {
  if (NORMAL.test(text)) return text;
  if (text.length > 64) return null;
  const match = RFC_3339.exec(text);
  if (match === null) return null;
  const [, date, time, fraction = "", sign = "+", hours = 0, minutes = 0] = match;
  const wallMs = Date.parse(`${date}T${time}Z`);
  // Date.parse takes 31 February for 3 March and 24:00 for tomorrow; a time that does not exist must not become another.
  if (Number.isNaN(wallMs) || !new Date(wallMs).toISOString().startsWith(`${date}T${time}`)) return null;
  const offsetMs = (Number(hours) * 60 + Number(minutes)) * 60_000;
  const iso = new Date(sign === "+" ? wallMs - offsetMs : wallMs + offsetMs).toISOString();
  // Before the year 0 and after 9999 the text is longer, and no longer sorts by time.
  if (iso.length !== 24) return null;
  return `${iso.slice(0, 20)}${fraction.replace(/0+$/, "").padEnd(3, "0")}Z`;
}

/**
 * Orders two normalised timestamps.
 *
 * @returns negative when `a` is earlier, positive when it is later, 0 when they are the same instant.
 */
export function compareTimestamps(a: string, b: string): number {
  if (a === b) return 0;
  if (a.length === b.length) return a < b ? -1 : 1;
  // Without the Z a longer fraction sorts after its own prefix, as it should.
  return a.slice(0, -1) < b.slice(0, -1) ? -1 : 1;
}
