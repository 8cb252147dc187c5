import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { parse, stringify } from "yaml";
import { ALERT_CASES, type AlertCase, type FiringCase } from "./alert-cases.ts";

const file = join(import.meta.dirname, "../../docs/prometheus-alerts.yml");
const { groups } = parse(readFileSync(file, "utf8")) as {
  readonly groups: readonly { readonly rules: readonly Rule[] }[];
};
const rules = groups.flatMap((group) => group.rules);

interface Rule {
  readonly alert: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: { readonly summary: string; readonly action: string };
}

/** Of Debian's package prometheus. */
const hasPromtool = spawnSync("promtool", ["--version"]).status === 0;

it("each alert has a case in which it fires and one in which it does not", () => {
  expect(Object.keys(ALERT_CASES).sort()).toEqual(rules.map(({ alert }) => alert).sort());
  for (const [alert, { fires, doesNot }] of Object.entries(ALERT_CASES)) {
    expect([fires.length > 0, doesNot.length > 0], alert).toEqual([true, true]);
  }
});

it.skipIf(!hasPromtool)("the rules are what Prometheus reads", () => {
  const { status, stdout, stderr } = promtool("check", "rules", file);
  expect(status, stdout + stderr).toBe(0);
});

it.skipIf(!hasPromtool)("each alert fires when it has to, and only then", () => {
  const tests = rules.flatMap((rule) => {
    const { fires, doesNot } = ALERT_CASES[rule.alert] ?? { fires: [], doesNot: [] };
    return [...fires.map((one) => firing(rule, one)), ...doesNot.map((one) => test(rule, one, []))];
  });
  const directory = mkdtempSync(join(tmpdir(), "natstate-alerts-"));
  try {
    const path = join(directory, "test.yml");
    writeFileSync(path, stringify({ rule_files: [file], evaluation_interval: "1m", tests }));
    const { status, stdout, stderr } = promtool("test", "rules", path);
    expect(status, stdout + stderr).toBe(0);
  } finally {
    rmSync(directory, { recursive: true });
  }
});

function firing(rule: Rule, { labels, says, ...given }: FiringCase) {
  const annotations = { summary: says, action: rule.annotations.action };
  return test(rule, given, [{ exp_labels: { ...labels, ...rule.labels }, exp_annotations: annotations }]);
}

function test({ alert }: Rule, { series, at }: AlertCase, expected: readonly object[]) {
  return {
    interval: "1m",
    input_series: Object.entries(series).map(([name, values]) => ({ series: name, values })),
    alert_rule_test: [{ alertname: alert, eval_time: at, exp_alerts: expected }],
  };
}

function promtool(...args: string[]) {
  return spawnSync("promtool", args, { encoding: "utf8" });
}
