import { spawn } from "node:child_process";
import { once } from "node:events";
import { setTimeout as delay } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { until } from "../until.ts";
import { ROOT, runCli, startCli } from "./cli-run.ts";
import type { DaemonProcess } from "./daemon-process.ts";
import { openWorld, traffic, type World } from "./world.ts";

let world: World;
let daemon: DaemonProcess;
let env: Record<string, string>;

beforeAll(async () => {
  world = await openWorld();
  daemon = await world.start();
  env = { NATS_URL: world.server.url };
  await world.publish(traffic(30, 5));
  await world.settle(daemon);
});
afterAll(() => world[Symbol.asyncDispose]());

it("a snapshot says what there is, as one line of JSON", async () => {
  const { code, stdout, stderr } = await runCli(["top", "--json", "--count", "1", "--interval", "200ms"], env);
  expect(code, stderr).toBe(0);
  const snapshot = JSON.parse(stdout);
  expect(snapshot).toMatchObject({
    at: expect.any(String),
    stats: { orders: { total: 30 } },
    perSecond: { events: 0, decisions: 0, deadLetters: 0 },
    lag: 0,
  });
});

it("piped it prints a plain line each time, with the rate since the line before", async () => {
  const running = startCli(["top", "--interval", "300ms"], env);
  await until("a first line", () => running.stdout().includes("\n"));
  await world.publish(traffic(20, 6, { idPrefix: "more-" }));
  await until("the rate rose", () => / [1-9]\d* events\/s {2}[1-9]?\d* decisions\/s/.test(running.stdout()));
  running.kill("SIGINT");
  const { code, stdout, stderr } = await running.ran;
  expect([code, stderr]).toEqual([0, ""]);
  for (const line of stdout.trimEnd().split("\n")) {
    expect(line).toMatch(
      /^\d{4}-[^ ]+Z {2}\d+ events\/s {2}\d+ decisions\/s {2}lag \d+ {2}dead letters \d+ {2}quarantined 0 {2}\d+ orders: \w/,
    );
  }
});

/** `script` of util-linux gives it a terminal, and hands on what is typed. */
function onTerminal() {
  const command = `stty cols 100 rows 30; ${process.execPath} src/cli.ts top --interval 300ms`;
  const child = spawn("script", ["-qefc", command, "/dev/null"], {
    cwd: ROOT,
    env: { ...process.env, ...env, TERM: "xterm" },
    stdio: ["pipe", "pipe", "ignore"],
  });
  let seen = "";
  child.stdout.on("data", (chunk) => {
    seen += chunk;
  });
  child.stdin.on("error", () => {});
  return { seen: () => seen, interrupt: () => void child.stdin.write("\x03"), closed: once(child, "close") };
}

describe.skipIf(process.platform !== "linux")("on a terminal", () => {
  it("it redraws one screen, and leaves the terminal as it was", async () => {
    const { seen, interrupt, closed } = onTerminal();
    await until("a screen, with what was decided before", () => seen().includes("published at"));
    await world.publish(traffic(10, 8, { idPrefix: "screen-" }));
    await until("a decision on it", () => /screen-\S+ +\d+ +Order/.test(seen()));
    interrupt();
    await closed;
    expect(seen().startsWith("\x1b[?1049h")).toBe(true);
    expect(seen().trimEnd().endsWith("\x1b[?1049l")).toBe(true);
    expect(seen()).toMatch(/confirmed +\d+ {2}#+/);
    expect(seen()).not.toContain("no decisions yet");
  });

  it("it leaves it so as well when it is ended at once, while nobody answers", async () => {
    const { seen, interrupt, closed } = onTerminal();
    await until("a screen", () => seen().includes("published at"));
    daemon.signal("SIGSTOP");
    try {
      await until("it draws no more", async () => {
        const before = seen().length;
        await delay(500);
        return seen().length === before;
      });
      interrupt();
      // One that comes twice at once counts as one.
      await delay(200);
      interrupt();
      await closed;
    } finally {
      daemon.signal("SIGCONT");
    }
    expect(seen().trimEnd().endsWith("\x1b[?1049l")).toBe(true);
  });
});

it("nobody there is told as by every command", async () => {
  const { code, stderr } = await runCli(["top", "--count", "1"], { NATS_URL: "nats://127.0.0.1:9" });
  expect([code, stderr]).toEqual([1, expect.stringContaining("natstate is not running")]);
});
