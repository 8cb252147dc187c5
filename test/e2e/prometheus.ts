import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parse, stringify } from "yaml";
import { freePort } from "../../src/nats-server/ready.ts";
import { until } from "../until.ts";

const ROOT = join(import.meta.dirname, "../..");
/** Alerts that wait for minutes wait for this, so that a test need not. Those that wait for longer are left as they are. */
const SOON = "3s";

/** A real Prometheus with the shipped alerts, in a hurry. */
export interface TestPrometheus extends AsyncDisposable {
  /** Alerts that fire now: each its name, and the daemon it names if it does. */
  firing(): Promise<string[]>;
}

/** Debian's package is called prometheus. */
export function hasPrometheus(): boolean {
  return spawnSync("prometheus", ["--version"]).status === 0;
}

/** Starts it as examples/deploy/prometheus.yml says, but for the targets, and every second. @param targets - by name. */
export async function startPrometheus(targets: Readonly<Record<string, string>>): Promise<TestPrometheus> {
  const directory = mkdtempSync(join(tmpdir(), "natstate-prometheus-"));
  const rules = readFileSync(join(ROOT, "docs/prometheus-alerts.yml"), "utf8").replace(
    /for: [1-5]m$/gm,
    `for: ${SOON}`,
  );
  writeFileSync(join(directory, "alerts.yml"), rules);
  const config = parse(readFileSync(join(ROOT, "examples/deploy/prometheus.yml"), "utf8"));
  const [{ authorization: _, ...job }] = config.scrape_configs;
  const static_configs = Object.entries(targets).map(([instance, target]) => ({
    targets: [target],
    labels: { instance },
  }));
  const hurried = {
    global: { scrape_interval: "1s", scrape_timeout: "1s", evaluation_interval: "1s" },
    rule_files: ["alerts.yml"],
    scrape_configs: [{ ...job, static_configs }],
  };
  writeFileSync(join(directory, "prometheus.yml"), stringify(hurried));
  const address = `127.0.0.1:${await freePort()}`;
  const args = [`--config.file=${join(directory, "prometheus.yml")}`, `--storage.tsdb.path=${join(directory, "tsdb")}`];
  const child = spawn("prometheus", [...args, `--web.listen-address=${address}`], {
    stdio: ["ignore", "ignore", "pipe"],
  });
  let log = "";
  child.stderr.on("data", (chunk) => (log += chunk));
  const exited = once(child, "exit");
  await until("prometheus is up", async () => {
    if (child.exitCode !== null) throw new Error(log);
    return (await fetch(`http://${address}/-/ready`).catch(() => undefined))?.ok;
  });
  return {
    async firing() {
      const { data } = (await (await fetch(`http://${address}/api/v1/alerts`)).json()) as Answer;
      return data.alerts
        .filter(({ state }) => state === "firing")
        .map(({ labels }) => [labels.alertname, labels.instance].filter(Boolean).join(" "))
        .sort();
    },
    async [Symbol.asyncDispose]() {
      child.kill("SIGKILL");
      await exited;
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

interface Answer {
  readonly data: {
    readonly alerts: readonly {
      readonly state: string;
      readonly labels: { readonly alertname: string; readonly instance?: string };
    }[];
  };
}
