import { expect, it } from "vitest";
import { actorTypes } from "../../machines/registry.ts";
import { createMetrics, renderAll } from "../../src/ops/metrics.ts";
import { parseExposition, sampleOf } from "./exposition.ts";

it("one scrape has the series of every daemon, each with its label, and each metric's help once", async () => {
  const metrics = ["1", "2"].map((daemon) => createMetrics({ types: actorTypes, daemon }));
  const failure = { error: new Error("disk full"), retryMs: 1, isBrief: false };
  for (const index of [0, 1, 1]) metrics[index]?.commitFailed(failure);
  // As between processes.
  const collected = structuredClone(await Promise.all(metrics.map(({ collect }) => collect())));
  const { body } = await renderAll(collected);
  const families = parseExposition(body);
  const failures = ["1", "2"].map((daemon) => sampleOf(families, "natstate_commit_failures_total", { daemon }));
  expect(failures).toEqual([1, 2]);
  expect(sampleOf(families, "natstate_batch_deliveries_bucket", { daemon: "2", le: "+Inf" })).toBe(0);
  expect(body.match(/^# HELP natstate_commit_failures_total/gm)).toHaveLength(1);
});

it("one alone has no such label", async () => {
  const { body } = await createMetrics({ types: actorTypes }).render();
  expect(body).not.toContain("daemon=");
});
