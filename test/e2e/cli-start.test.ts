import { execFileSync } from "node:child_process";
import { existsSync, statSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { runCli, startCli, startProgram } from "./cli-run.ts";
import { dir, env, track, untilRunning, useStarts } from "./starts.ts";

const SYSTEM_NODE = "/usr/bin/node";

useStarts();

test("a second start on the same data directory refuses; the first says in its first line where everything is, and leaves a private runtime file until it ends", async () => {
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
  expect(second).toMatchObject({
    code: 1,
    stderr: expect.stringMatching(/^natstate: .* in use by another natstate daemon.*NATSTATE_DATA/),
  });
  expect(existsSync(runtime)).toBe(true);
  const before = performance.now();
  daemon.kill("SIGTERM");
  expect((await daemon.ran).code).toBe(0);
  expect(performance.now() - before).toBeLessThan(10_000);
  expect(existsSync(runtime)).toBe(false);
});

test("what keeps it from starting is one line, without a stack trace, exit code 1", async () => {
  const ran = await runCli(["start", "--no-wait"], { ...env, NATS_URL: "nats://me:secret@127.0.0.1:1" });
  expect(ran.code).toBe(1);
  expect(ran.stderr).toMatch(/^natstate: no NATS connection .*\n$/);
  expect(ran.stderr).not.toContain("secret");
});

test("every problem of the configuration is told at once", async () => {
  const { code, stderr } = await runCli(["start"], {
    ...env,
    NATSTATE_PARTITIONS: "many",
    NATSTATE_MAX_AGE: "a month",
    NATSTATE_TYPO: "1",
    NATS_URL: "nats://user:geheim@127.0.0.1:1 ,,",
  });
  expect(code).toBe(2);
  for (const name of ["NATSTATE_PARTITIONS", "NATSTATE_MAX_AGE", "NATSTATE_TYPO", "NATS_URL"])
    expect(stderr).toContain(name);
  expect(stderr).not.toContain("geheim");
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
