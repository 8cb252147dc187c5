import { join } from "node:path";
import type { Browser } from "playwright-core";
import { freePort } from "../../src/nats-server/ready.ts";
import { findChromium, launchBrowser, openPage } from "../console/browser.ts";
import { type ClusterWorld, openClusterWorld } from "../faults/cluster-world.ts";
import { runCli } from "./cli-run.ts";
import type { DaemonProcess } from "./daemon-process.ts";
import { startPrometheus } from "./prometheus.ts";

export type Name = "a" | "b";
const NAMES: readonly Name[] = ["a", "b"];

/** What is said of the two daemons at one moment. */
export interface Said {
  /** What `/readyz` answers; null: nothing does. */
  readonly ready: Readonly<Record<Name, boolean | null>>;
  /** What the console's page says at its top; absent without a browser. */
  readonly console?: Readonly<Record<Name, string | null>>;
  /** Alerts that fire, but for those that may. */
  readonly alerts: readonly string[];
  /** Partitions that ready daemons read together. */
  readonly read: number;
}

/** Three nats-servers, two daemons, Prometheus, and a page of each daemon's console in a browser that stays open. */
export interface OperatedWorld extends AsyncDisposable {
  readonly world: ClusterWorld;
  daemon(name: Name): DaemonProcess;
  start(name: Name): Promise<void>;
  /** @param may - alerts that are true as well, but need not fire. */
  look(may: readonly string[]): Promise<Said>;
  /** What the daemons have logged since this was asked last, a line each, of the daemon it names first. */
  logged(): string[];
  /** `natstate doctor`, on the machine of `a`: its exit code, and what is not ok. */
  examine(): Promise<{ readonly code: number | null; readonly found: string[] }>;
}

/** `await using operated = await openOperatedWorld()`. */
export async function openOperatedWorld(): Promise<OperatedWorld> {
  await using opened = new AsyncDisposableStack();
  const world = opened.use(await openClusterWorld());
  const ports = { a: await freePort(), b: await freePort() };
  const url = (name: Name) => `http://127.0.0.1:${ports[name]}`;
  const dirOf = (name: Name) => join(world.dataDir, name);
  const daemons = new Map<Name, DaemonProcess>();
  const logs = new Map<Name, number>();
  const start = async (name: Name) => {
    logs.set(name, 0);
    const env = { NATSTATE_HTTP: `127.0.0.1:${ports[name]}`, NATSTATE_LOG_LEVEL: "info", NATSTATE_LOG_FORMAT: "json" };
    daemons.set(name, await world.start({ dataDir: dirOf(name), env }));
  };
  await Promise.all(NAMES.map(start));
  const prometheus = opened.use(await startPrometheus({ a: `127.0.0.1:${ports.a}`, b: `127.0.0.1:${ports.b}` }));
  const pages = await openConsoles(opened, url);

  async function statusOf(name: Name): Promise<string | null> {
    return (await pages?.[name].getAttribute(".status", "data-state")) ?? null;
  }

  const stack = opened.move();
  return {
    world,
    start,
    daemon(name) {
      const daemon = daemons.get(name);
      if (daemon === undefined) throw new Error(`${name} was never started`);
      return daemon;
    },
    async look(may) {
      const [a, b, firing] = await Promise.all([askReady(url("a")), askReady(url("b")), prometheus.firing()]);
      const console = pages && { console: { a: await statusOf("a"), b: await statusOf("b") } };
      const read = [a, b].reduce((sum, { ready, reading }) => sum + (ready ? reading : 0), 0);
      const alerts = firing.filter((alert) => !may.includes(alert));
      return { ready: { a: a.ready, b: b.ready }, read, alerts, ...console };
    },
    logged() {
      return NAMES.flatMap((name) => {
        const lines = (daemons.get(name)?.output() ?? "").split("\n").slice(0, -1);
        const fresh = lines.slice(logs.get(name) ?? 0);
        logs.set(name, lines.length);
        return fresh.map((line) => `${name} ${line}`);
      });
    },
    async examine() {
      const { code, stdout, stderr } = await runCli(["doctor", "--json"], {
        NATS_URL: world.cluster.url,
        NATSTATE_REPLICAS: "3",
        NATSTATE_DATA: dirOf("a"),
      });
      const { findings } = JSON.parse(
        stdout || `{"findings":[{"check":"doctor","level":"none","detail":${JSON.stringify(stderr)}}]}`,
      );
      const said = (findings as Finding[]).filter(({ level }) => level !== "ok");
      return { code, found: said.map(({ check, level, detail, advice }) => `${level} ${check}: ${detail}. ${advice}`) };
    },
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

interface Finding {
  readonly check: string;
  readonly level: string;
  readonly detail: string;
  readonly advice: string;
}

async function openConsoles(opened: AsyncDisposableStack, url: (name: Name) => string) {
  const chromium = findChromium();
  if (chromium === undefined) return undefined;
  const browser: Browser = await launchBrowser(chromium);
  opened.defer(() => browser.close());
  const open = async (name: Name) => {
    const { page } = await openPage(browser, url(name));
    await page.goto("/");
    return page;
  };
  return { a: await open("a"), b: await open("b") };
}

async function askReady(url: string): Promise<{ readonly ready: boolean | null; readonly reading: number }> {
  try {
    const response = await fetch(`${url}/readyz`, { signal: AbortSignal.timeout(2000) });
    const { checks } = (await response.json()) as { checks?: { partitions?: { detail: string } } };
    return { ready: response.ok, reading: Number(/^(\d+) of/.exec(checks?.partitions?.detail ?? "")?.[1] ?? 0) };
  } catch {
    return { ready: null, reading: 0 };
  }
}
