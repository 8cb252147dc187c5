import type { METRICS } from "./catalogue.ts";
import type { Registered } from "./registered-metrics.ts";

type GaugeName = {
  [Name in keyof typeof METRICS]: (typeof METRICS)[Name]["type"] extends "gauge" ? Name : never;
}[keyof typeof METRICS];

/** What a gauge shows: one value, or one for each set of its labels. */
export type Reading = number | readonly (readonly [labels: Readonly<Record<string, string | number>>, value: number])[];

/** What gauges show, read when somebody asks for them; until then they are 0. */
export type GaugeReadings = Readonly<Record<GaugeName, Reading>>;

export function showGauges(metrics: Registered, readings: GaugeReadings): void {
  for (const [name, reading] of Object.entries(readings) as [GaugeName, Reading][]) {
    // Partitions that went to another owner are not to be shown any longer.
    metrics[name].reset();
    for (const [labels, value] of typeof reading === "number" ? [[{}, reading] as const] : reading) {
      metrics[name].set(labels, value);
    }
  }
}
