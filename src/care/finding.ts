/** One line of `natstate doctor`. */
export interface Finding {
  readonly check: string;
  readonly level: Level;
  /** What is the case. */
  readonly detail: string;
  /** What to do; always there when it is not ok. */
  readonly advice: string | null;
}

export type Level = "ok" | "warning" | "problem";

export function ok(check: string, detail: string): Finding {
  return { check, level: "ok", detail, advice: null };
}

export function warning(check: string, detail: string, advice: string): Finding {
  return { check, level: "warning", detail, advice };
}

export function problem(check: string, detail: string, advice: string): Finding {
  return { check, level: "problem", detail, advice };
}

/** `1.5 GiB`. */
export function bytesText(bytes: number): string {
  const units = ["bytes", "KiB", "MiB", "GiB", "TiB"];
  let value = bytes;
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit++;
  }
  return `${unit === 0 ? value : value.toFixed(1)} ${units[unit]}`;
}

/** The advice when nothing runs. */
export const START = "Start it with: npx natstate start";
