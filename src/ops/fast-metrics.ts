import { Counter, Histogram, type Registry } from "prom-client";
import type { HistogramDescription, MetricDescription } from "./catalogue.ts";

/** One time series of a counter: raise `value`, never lower it. */
export interface CounterCell {
  value: number;
}

export interface HistogramCell {
  /** Negative values and NaN count as 0: clocks differ, and a sum must not fall. */
  observe(value: number): void;
}

type Labels = Readonly<Record<string, string>>;

/** The time series of one metric. */
export interface Series<Cell> {
  /** The one with these label values, in the order of the description's labels; shown, as 0, from then on. */
  cell(...labelValues: string[]): Cell;
  all(): Iterable<{ readonly labels: Labels; readonly cell: Cell }>;
}

interface Buckets extends HistogramCell {
  /** By bucket, not cumulative; the last one is `+Inf`. */
  readonly counts: Float64Array;
  sum(): number;
}

/** Registers a counter whose series are plain numbers until it is scraped. */
export function createCounter(registry: Registry, description: MetricDescription): Series<CounterCell> {
  const { name, help, labels } = description;
  const series = createSeries(labels, (): CounterCell => ({ value: 0 }));
  new Counter({
    name,
    help,
    labelNames: labels,
    registers: [registry],
    collect() {
      this.reset();
      for (const { labels, cell } of series.all()) this.inc(labels, cell.value);
    },
  });
  return series;
}

/** Registers a histogram that keeps its own buckets; what is scraped is what prom-client's own would say. */
export function createHistogram(registry: Registry, description: HistogramDescription): Series<HistogramCell> {
  const { name, help, labels, buckets } = description;
  const bounds = new Float64Array([...buckets, Number.POSITIVE_INFINITY]);
  const series = createSeries(labels, () => createBuckets(bounds));
  const histogram = new Histogram({ name, help, labelNames: labels, buckets: [...buckets], registers: [registry] });
  const get = () => {
    const values = [...series.all()].flatMap(({ labels, cell }) => expose(name, labels, bounds, cell));
    return Promise.resolve({ name, help, type: "histogram", aggregator: "sum", values });
  };
  // prom-client 15 has no way to add many observations at once. Its registry asks for getForPromString, others for get.
  Object.assign(histogram, { get, getForPromString: get });
  return series;
}

function createSeries<Cell>(labelNames: readonly string[], create: () => Cell): Series<Cell> {
  const known = new Map<string, { labels: Labels; cell: Cell }>();
  function cell(...labelValues: string[]): Cell {
    const key = labelValues.join("\n");
    let found = known.get(key);
    if (found === undefined) {
      const labels = Object.fromEntries(labelNames.map((name, index) => [name, labelValues[index] ?? ""]));
      found = { labels, cell: create() };
      known.set(key, found);
    }
    return found.cell;
  }
  if (labelNames.length === 0) cell();
  return { cell, all: () => known.values() };
}

function createBuckets(bounds: Float64Array): Buckets {
  const counts = new Float64Array(bounds.length);
  let sum = 0;
  return {
    counts,
    sum: () => sum,
    observe(given) {
      let value = 0;
      if (given > 0) value = given;
      let index = 0;
      // The last bound is Infinity: the loop ends inside the array.
      while (value > (bounds[index] as number)) index++;
      counts[index] = (counts[index] as number) + 1;
      sum += value;
    },
  };
}

function expose(name: string, labels: Labels, bounds: Float64Array, cell: Buckets) {
  let count = 0;
  const buckets = [...bounds].map((bound, index) => {
    count += cell.counts[index] ?? 0;
    const le = Number.isFinite(bound) ? String(bound) : "+Inf";
    return { metricName: `${name}_bucket`, labels: { le, ...labels }, value: count };
  });
  return [
    ...buckets,
    { metricName: `${name}_sum`, labels, value: cell.sum() },
    { metricName: `${name}_count`, labels, value: count },
  ];
}
