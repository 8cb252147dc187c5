import { describe, expect, test } from "vitest";
import { type Family, keyOf, type Sample, sampleOf } from "./exposition.ts";
import { afterBatch, newMetrics, PUBLISHED_AT_MS, paid, reserved, scrape } from "./order-metrics.ts";
import { openPath, STORED_AT_MS } from "./order-path.ts";

/** The cumulative buckets of one histogram series, by upper bound. */
function bucketsOf(families: Map<string, Family>, name: string, labels: Sample["labels"] = {}): Record<string, number> {
  const bare = ({ le: _, ...others }: Sample["labels"]) => keyOf({ name: "", labels: others });
  const samples = families.get(name)?.samples ?? [];
  const own = samples.filter((s) => s.name === `${name}_bucket` && bare(s.labels) === keyOf({ name: "", labels }));
  return Object.fromEntries(own.map(({ labels, value }) => [labels.le ?? "", value]));
}

function bound(le: string): number {
  return le === "+Inf" ? Number.POSITIVE_INFINITY : Number(le);
}

describe("histograms", () => {
  test("observe the completeness of each actor a commit touched", async () => {
    const { families } = await afterBatch(paid("o1", "p1", 10), reserved("o1", "i1", 11), paid("o2", "p1", 10));
    expect(bucketsOf(families, "natstate_completeness_percent")).toEqual({
      0: 0,
      20: 1,
      40: 2,
      60: 2,
      80: 2,
      100: 2,
      "+Inf": 2,
    });
    expect(sampleOf(families, "natstate_completeness_percent_sum")).toBe(60);
  });

  test("observe each step of an event's way: told, stored, committed, published", async () => {
    const { metrics, result } = await afterBatch(paid("o1", "p1", 10), reserved("o1", "i1", 29), "{");
    metrics.published(result.decisions, result.deadLetters, PUBLISHED_AT_MS);
    const families = await scrape(metrics);
    const sum = (name: string, labels = {}) => sampleOf(families, `${name}_sum`, labels);
    const actor = { actor: "order" };
    expect(sum("natstate_event_lateness_seconds", actor)).toBeCloseTo(20 + 1);
    expect(bucketsOf(families, "natstate_event_lateness_seconds", actor)).toMatchObject({ 0.5: 0, 1: 1, 15: 1, 60: 2 });
    expect(sum("natstate_commit_delay_seconds", actor)).toBeCloseTo(3 * 0.04);
    expect(bucketsOf(families, "natstate_commit_delay_seconds", actor)).toMatchObject({ 0.025: 0, 0.05: 3, "+Inf": 3 });
    expect(sum("natstate_publish_delay_seconds", { ...actor, kind: "decision" })).toBeCloseTo(0.3);
    expect(sum("natstate_publish_delay_seconds", { ...actor, kind: "dead_letter" })).toBeCloseTo(0.3);
    expect(sum("natstate_commit_seconds")).toBeCloseTo(0.004);
    expect(bucketsOf(families, "natstate_batch_deliveries")).toMatchObject({ 2: 0, 5: 1, "+Inf": 1 });
  });

  test("take a delay that clocks make negative for none", async () => {
    using path = openPath();
    const metrics = newMetrics();
    metrics.committed(path.apply(paid("o1", "p1", 50)), 1, STORED_AT_MS - 5000);
    const families = await scrape(metrics);
    for (const name of ["natstate_event_lateness_seconds", "natstate_commit_delay_seconds"]) {
      expect(sampleOf(families, `${name}_sum`, { actor: "order" })).toBe(0);
      expect(sampleOf(families, `${name}_count`, { actor: "order" })).toBe(1);
    }
  });
});

describe("every histogram", () => {
  test("never fall from bucket to bucket, and end with their count", async () => {
    const { families } = await afterBatch(paid("o1", "p1", 10), reserved("o1", "i1", 29), "{");
    const histograms = [...families].filter(([, family]) => family.type === "histogram");
    expect(histograms.length).toBeGreaterThanOrEqual(6);
    for (const [name, { samples }] of histograms) {
      for (const { labels, value } of samples.filter((sample) => sample.name === `${name}_count`)) {
        const buckets = bucketsOf(families, name, labels);
        const counts = Object.keys(buckets)
          .toSorted((a, b) => bound(a) - bound(b))
          .map((le) => buckets[le] ?? Number.NaN);
        expect(counts).toEqual(counts.toSorted((a, b) => a - b));
        expect(counts.at(-1)).toBe(value);
        expect(buckets["+Inf"]).toBe(value);
      }
    }
  });
});
