import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach } from "vitest";
import { until } from "../until.ts";
import type { Running } from "./cli-run.ts";

/** A data directory of each test's own, and what a command is told of it. */
export let dir = "";
export let env: Record<string, string> = {};
const started: Running[] = [];

/** For tests that start daemons by the command; what still runs at a test's end is killed. */
export function useStarts(): void {
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
}

export function track(running: Running): Running {
  started.push(running);
  return running;
}

export async function untilRunning(daemon: Running): Promise<void> {
  await until("natstate is running", () => daemon.stdout().includes("natstate is running"));
}
