import { Counter, Gauge, Histogram, type Registry } from "prom-client";
import { type HistogramDescription, METRICS, type MetricDescription } from "./catalogue.ts";

const KINDS = { counter: Counter, gauge: Gauge, histogram: Histogram };
type Kinds = { readonly counter: Counter; readonly gauge: Gauge; readonly histogram: Histogram };

/** Every metric of {@link METRICS}, as prom-client keeps it. */
export type Registered = { readonly [Name in keyof typeof METRICS]: Kinds[(typeof METRICS)[Name]["type"]] };

export function registerMetrics(registry: Registry): Registered {
  const made = Object.entries<MetricDescription | HistogramDescription>(METRICS).map(([key, description]) => {
    const { type, labels, ...others } = description;
    // Their constructors differ in what else may be said.
    const Kind = KINDS[type] as typeof Counter;
    return [key, new Kind({ ...others, labelNames: labels, registers: [registry] })] as const;
  });
  return Object.fromEntries(made) as unknown as Registered;
}
