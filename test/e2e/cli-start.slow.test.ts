import { expect, test } from "vitest";
import { until } from "../until.ts";
import { startCli, startProgram } from "./cli-run.ts";
import { env, track, untilRunning, useStarts } from "./starts.ts";

useStarts();

test("a pretty start is for people; one Ctrl-C that is delivered twice is one", async () => {
  const daemon = track(startCli(["start"], { ...env, NATSTATE_LOG_FORMAT: "pretty" }));
  await until("it has said what to type next", () => daemon.stdout().includes("Ctrl-C stops it."));
  expect(daemon.stdout()).toMatch(/^natstate is running\n\n {2}Console +http:.*\n {2}NATS +nats:.*\n {2}Data +\//);
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

test("a closed pipe does not stop the daemon, and ends a reader without a crash", async () => {
  const shell = (line: string) => startProgram("/bin/bash", ["-c", `set -o pipefail; ${line}`], env).ran;
  const config = await shell(`"${process.execPath}" src/cli.ts config | true`);
  expect({ code: config.code, stderr: config.stderr }).toEqual({ code: 0, stderr: "" });
  const daemon = await shell(
    `"${process.execPath}" src/cli.ts start > >(head -1) & pid=$!; until [ -f "$NATSTATE_DATA/natstate.json" ]; do read -t 0.05 < <(:) || true; done; "${process.execPath}" src/cli.ts simulate --orders 5 --rate 0 && kill -0 $pid && kill $pid && wait $pid`,
  );
  expect(daemon.code, daemon.stderr).toBe(0);
});
