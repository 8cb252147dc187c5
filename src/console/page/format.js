/*
 * Numbers and times as a person reads them: English, and in UTC as everything in the streams is.
 */

const whole = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
const oneDigit = new Intl.NumberFormat("en", { maximumFractionDigits: 1, minimumFractionDigits: 1 });

/** @param {number} value @returns {string} `12,345` */
export function count(value) {
  return whole.format(value);
}

/** @param {readonly number[] | Readonly<Record<string, number>>} values */
export function sum(values) {
  return Object.values(values).reduce((total, value) => total + value, 0);
}

/** @param {number} value @returns {string} `3.4`, from 10 on `34` */
export function rate(value) {
  return value === 0 || value >= 10 ? whole.format(value) : oneDigit.format(value);
}

/** @param {number} part @param {number} all @returns {string} `12 %`, `0.4 %`; of nothing, a dash */
export function share(part, all) {
  if (all === 0) return "–";
  const percent = (part / all) * 100;
  return `${percent > 0 && percent < 10 ? oneDigit.format(percent) : whole.format(percent)} %`;
}

/** @type {readonly (readonly [limitMs: number, unitMs: number, unit: string])[]} */
const UNITS = [
  [1000, 1, "ms"],
  [60_000, 1000, "s"],
  [3_600_000, 60_000, "min"],
  [86_400_000, 3_600_000, "h"],
  [Number.POSITIVE_INFINITY, 86_400_000, "d"],
];

/** @param {number} ms @returns {string} `850 ms`, `4.2 s`, `17 min`, `3.0 h`, `12 d` */
export function duration(ms) {
  const [, unitMs, unit] = UNITS.find(([limitMs]) => Math.abs(ms) < limitMs) ?? [0, 1, "ms"];
  const value = ms / unitMs;
  return `${unitMs > 1 && Math.abs(value) < 10 ? oneDigit.format(value) : whole.format(value)} ${unit}`;
}

/** @param {unknown} iso RFC 3339 @param {number} [nowMs] @returns {string} `4 s ago` */
export function ago(iso, nowMs = Date.now()) {
  const passedMs = nowMs - Date.parse(String(iso));
  if (passedMs < 1000) return "now";
  return passedMs < 60_000 ? `${whole.format(Math.floor(passedMs / 1000))} s ago` : `${duration(passedMs)} ago`;
}

/**
 * The part of a time that tells it from its neighbours.
 *
 * @param {string} iso RFC 3339 in UTC
 * @param {boolean} withDate
 */
export function time(iso, withDate) {
  const [date = "", clock = ""] = iso.split("T");
  return withDate ? `${date} ${clock.replace("Z", "")}` : clock.replace("Z", "");
}

/** @param {readonly string[]} isos @returns {boolean} Are the times of more than one day? */
export function spansDays(isos) {
  return new Set(isos.map((iso) => iso.slice(0, 10))).size > 1;
}

/** @param {string} name @returns {string[]} `OrderCreated` as `Order` and `Created`: where a line may be broken */
export function humps(name) {
  return name.split(/(?<=[a-z0-9])(?=[A-Z])|(?<=[_.])/);
}

/** @param {string} name @returns {string} `OrderCreated` as `Order created`, `payment.failed` as it is */
export function words(name) {
  if (name.includes(".")) return name;
  const spaced = name.replace(/([a-z0-9])([A-Z])/g, "$1 $2");
  return spaced.charAt(0).toUpperCase() + spaced.slice(1).toLowerCase();
}

const RFC_3339 = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/;

/** @param {unknown} value @returns {string} A field on one line: nested values as JSON, times without their T and Z. */
export function field(value) {
  if (value === null || value === undefined) return "–";
  if (typeof value === "object") return JSON.stringify(value);
  const text = String(value);
  return RFC_3339.test(text) ? text.replace("T", " ").replace("Z", "") : text;
}

/** `12:39:40 UTC`. @param {string} timestamp RFC 3339 in UTC */
export function clock(timestamp) {
  return `${timestamp.slice(11, 19)} UTC`;
}

/** @param {readonly number[]} numbers whole ones @returns {string} `0-3, 7` */
export function ranges(numbers) {
  /** @type {[first: number, last: number][]} */
  const runs = [];
  for (const number of numbers.toSorted((a, b) => a - b)) {
    const run = runs.at(-1);
    if (run !== undefined && number === run[1] + 1) run[1] = number;
    else runs.push([number, number]);
  }
  return runs.map(([first, last]) => (first === last ? `${first}` : `${first}-${last}`)).join(", ");
}
