import { readFileSync } from "node:fs";
import { collectDefaultMetrics, Registry } from "prom-client";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { METRICS, type MetricDescription } from "../../src/ops/catalogue.ts";
import { runCli } from "../e2e/cli-run.ts";

const read = (name: string) => readFileSync(new URL(`../../docs/${name}`, import.meta.url), "utf8");
const dashboard = JSON.parse(read("grafana-dashboard.json")) as Dashboard;
const alerts = parse(read("prometheus-alerts.yml")) as Alerts;

interface Dashboard {
  readonly panels: readonly {
    readonly id: number;
    readonly title: string;
    readonly targets?: readonly { readonly expr: string }[];
    readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number };
  }[];
  readonly templating: { readonly list: readonly { readonly name: string; readonly definition?: string }[] };
}

interface Alerts {
  readonly groups: readonly {
    readonly rules: readonly {
      readonly alert: string;
      readonly expr: string;
      readonly labels: { readonly severity: string };
      readonly annotations: { readonly summary: string; readonly action: string };
    }[];
  }[];
}

const rules = alerts.groups.flatMap((group) => group.rules);
const queries = [
  ...dashboard.panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr)),
  ...dashboard.templating.list.flatMap(({ definition }) => definition ?? []),
  ...rules.map(({ expr }) => expr),
];

/** Each series' name that can be asked for, with the labels it has. */
function seriesShown(): Map<string, readonly string[]> {
  const shown = new Map<string, readonly string[]>();
  for (const { name, type, labels } of Object.values<MetricDescription>(METRICS)) {
    if (type !== "histogram") shown.set(name, labels);
    else for (const suffix of ["_bucket", "_sum", "_count"]) shown.set(name + suffix, [...labels, "le"]);
  }
  const defaults = new Registry();
  collectDefaultMetrics({ register: defaults });
  for (const { name } of defaults.getMetricsAsArray()) shown.set(name, []);
  return shown;
}

/** What a query names beside functions: metrics with the labels asked of them. */
function metricsOf(query: string): string[] {
  return [...query.matchAll(/\b(?:natstate|process|nodejs)_\w+/g)].map(([name]) => name);
}

it("every metric that the dashboard and the alerts name exists", () => {
  const shown = seriesShown();
  const named = queries.flatMap(metricsOf);
  expect(named.length).toBeGreaterThan(40);
  expect(named.filter((name) => !shown.has(name))).toEqual([]);
});

it("every label they group and show by is one of that metric's, or Prometheus' own", () => {
  const shown = seriesShown();
  for (const query of queries) {
    const known = new Set(["job", "instance", ...metricsOf(query).flatMap((name) => shown.get(name) ?? [])]);
    const groups = [...query.matchAll(/\bby \(([^)]*)\)/g)].flatMap(([, labels = ""]) => labels.split(", "));
    const filters = [...query.matchAll(/[{,](\w+)[=!]/g)].map(([, label = ""]) => label);
    expect(
      [...groups, ...filters].filter((label) => !known.has(label)),
      query,
    ).toEqual([]);
  }
});

it("what happens to natstate and what it does is all there", () => {
  const named = new Set(queries.flatMap(metricsOf).map((name) => name.replace(/_(bucket|sum|count)$/, "")));
  const shown: readonly string[] = [METRICS.deadLettersPublished.name];
  const missing = Object.values(METRICS).map(({ name }) => name as string);
  expect(missing.filter((name) => !named.has(name) && !shown.includes(name))).toEqual([]);
});

describe("the dashboard", () => {
  it("has no two panels in one place, and none without a question", () => {
    const cells = new Set<string>();
    for (const { title, targets, gridPos } of dashboard.panels) {
      if (gridPos.h > 1) expect(targets?.length, title).toBeGreaterThan(0);
      for (let x = gridPos.x; x < gridPos.x + gridPos.w; x++) {
        for (let y = gridPos.y; y < gridPos.y + gridPos.h; y++) {
          expect(cells.has(`${x} ${y}`), title).toBe(false);
          cells.add(`${x} ${y}`);
        }
      }
    }
    expect(new Set(dashboard.panels.map(({ id }) => id)).size).toBe(dashboard.panels.length);
  });
});

describe("the alerts", () => {
  it("are there for lag, waiting, dead letters, quarantine, drift, readiness and commits", () => {
    const asked = new Set(rules.flatMap(({ expr }) => metricsOf(expr)));
    const wanted = ["lag", "undecided", "deadLetters", "quarantined", "drifted", "ready", "commitFailures"] as const;
    expect(wanted.filter((name) => !asked.has(METRICS[name].name))).toEqual([]);
  });

  it("say what is the case and what to do, with commands that exist", async () => {
    const { stdout: help } = await runCli(["--help"], {});
    for (const { alert, labels, annotations } of rules) {
      expect(["warning", "critical"], alert).toContain(labels.severity);
      expect(annotations.summary.length * annotations.action.length, alert).toBeGreaterThan(0);
      for (const [, command = ""] of annotations.action.matchAll(/natstate ([a-z-]+)/g)) {
        expect(help, alert).toMatch(new RegExp(`^  ${command} `, "m"));
      }
    }
  });
});
