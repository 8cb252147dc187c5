/** From the longest on: a delay is told in the greatest unit it is a whole number of. */
const UNITS = [
  [86_400_000, "d"],
  [3_600_000, "h"],
  [60_000, "min"],
  [1000, "s"],
  [1, "ms"],
] as const;

/** @returns how long a delay is, as charts, histories and faults say it: `30 min`, `90 s`. */
export function delayText(delayMs: number): string {
  const [unitMs, unit] = UNITS.find(([ms]) => delayMs >= ms && delayMs % ms === 0) ?? [1, "ms"];
  return `${delayMs / unitMs} ${unit}`;
}
