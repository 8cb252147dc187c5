import { execFileSync } from "node:child_process";
import { existsSync, statSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { until } from "../until.ts";
import { type Running, runCli, startCli, startProgram } from "./cli-run.ts";

const SYSTEM_NODE = "/usr/bin/node";

let dir = "";
let env: Record<string, string> = {};
const started: Running[] = [];

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "natstate-test-"));
  env = { NATSTATE_DATA: dir, NATSTATE_HTTP: "127.0.0.1:0", NATSTATE_NATS_PORT: "0" };
});

afterEach(async () => {
  for (const { kill } of started) kill("SIGKILL");
  await Promise.all(started.splice(0).map(({ ran }) => ran));
  // The server of a daemon that exited at once may still be writing.
  await rm(dir, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
});

function track(running: Running): Running {
  started.push(running);
  return running;
}

async function untilRunning(daemon: Running): Promise<void> {
  await until("natstate is running", () => daemon.stdout().includes("natstate is running"));
}

test("start says in its first line where everything is, and leaves a private runtime file until it ends", async () => {
  const daemon = track(startCli(["start"], env));
  await untilRunning(daemon);
  const runtime = join(dir, "natstate.json");
  expect(JSON.parse(daemon.stdout().split("\n")[0] ?? "")).toMatchObject({
    msg: "natstate is running",
    version: "0.1.0",
    instance: expect.stringMatching(/./),
    host: hostname(),
    partitions: { ORDERS: Array.from({ length: 16 }, (_, partition) => partition) },
    nats: expect.stringMatching(/^nats:\/\/127\.0\.0\.1:\d+$/),
    api: expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+$/),
    data: dir,
    next: expect.arrayContaining([expect.stringContaining("npx natstate simulate")]),
  });
  expect(statSync(runtime).mode & 0o777).toBe(0o600);
  const second = await runCli(["start"], env);
  expect(second).toMatchObject({ code: 1, stderr: expect.stringMatching(/^natstate: .* in use by another natstate/) });
  expect(existsSync(runtime)).toBe(true);
  const before = performance.now();
  daemon.kill("SIGTERM");
  expect((await daemon.ran).code).toBe(0);
  expect(performance.now() - before).toBeLessThan(10_000);
  expect(existsSync(runtime)).toBe(false);
});

test("a pretty start is for people; one Ctrl-C that is delivered twice is one", async () => {
  const daemon = track(startCli(["start"], { ...env, NATSTATE_LOG_FORMAT: "pretty" }));
  await until("it has said what to type next", () => daemon.stdout().includes("Ctrl-C stops it."));
  expect(daemon.stdout()).toMatch(/^natstate is running\n\n {2}NATS +nats:.*\n {2}API +http:.*\n {2}Data +\//);
  daemon.kill("SIGINT");
  daemon.kill("SIGINT");
  expect((await daemon.ran).code).toBe(0);
});

test("a second signal ends it at once", async () => {
  const daemon = track(startCli(["start"], env));
  await untilRunning(daemon);
  daemon.kill("SIGTERM");
  const before = performance.now();
  await until("the second one comes later", () => performance.now() - before > 110);
  daemon.kill("SIGTERM");
  const { code, stdout } = await daemon.ran;
  // A stop can be faster than a second signal.
  if (!stdout.includes("stopped")) {
    expect({ code, stdout }).toEqual({ code: 1, stdout: expect.stringContaining("at once") });
  }
});

test("what keeps it from starting is one line, without a stack trace, exit code 1", async () => {
  const ran = await runCli(["start", "--no-wait"], { ...env, NATS_URL: "nats://me:secret@127.0.0.1:1" });
  expect(ran.code).toBe(1);
  expect(ran.stderr).toMatch(/^natstate: no NATS connection .*\n$/);
  expect(ran.stderr).not.toContain("secret");
});

test("a closed pipe does not stop the daemon, and ends a reader without a crash", async () => {
  const shell = (line: string) => startProgram("/bin/bash", ["-c", `set -o pipefail; ${line}`], env).ran;
  const config = await shell(`"${process.execPath}" src/cli.ts config | true`);
  expect({ code: config.code, stderr: config.stderr }).toEqual({ code: 0, stderr: "" });
  const daemon = await shell(
    `"${process.execPath}" src/cli.ts start > >(head -1) & pid=$!; until [ -f "$NATSTATE_DATA/natstate.json" ]; do read -t 0.05 < <(:) || true; done; "${process.execPath}" src/cli.ts simulate --orders 5 --rate 0 && kill -0 $pid && kill $pid && wait $pid`,
  );
  expect(daemon.code, daemon.stderr).toBe(0);
});

const isOld = existsSync(SYSTEM_NODE) && Number.parseInt(version(SYSTEM_NODE), 10) < 22;

function version(node: string): string {
  return execFileSync(node, ["-p", "process.versions.node"]).toString();
}

test.runIf(isOld)("under an older Node the pinned one runs: same output, exit codes and signals", async () => {
  const old = (...args: string[]) => track(startProgram(SYSTEM_NODE, ["src/bin.js", ...args], env));
  const [config, usage] = await Promise.all([old("config").ran, old("get").ran]);
  expect(config).toMatchObject({ code: 0, stderr: "", stdout: expect.stringContaining(dir) });
  expect(usage.code).toBe(2);
  const daemon = old("start");
  await untilRunning(daemon);
  daemon.kill("SIGTERM");
  expect(await daemon.ran).toMatchObject({ code: 0, stdout: expect.stringContaining('"msg":"stopped"') });
});
