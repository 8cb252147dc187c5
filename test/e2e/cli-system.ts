import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect } from "vitest";
import { until } from "../until.ts";
import { type Ran, runCli } from "./cli-run.ts";
import { type DaemonProcess, startDaemonProcess } from "./daemon-process.ts";

export let dir = "";
export let daemon: DaemonProcess;

/** A command about that system. */
export const run = (...args: string[]): Promise<Ran> => runCli(args, { NATSTATE_DATA: dir });

/** One daemon with 20 orders, `sim1-order-123` among them, and four messages that can never be read, for all tests of a file. */
export function useSystem(): void {
  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), "natstate-test-"));
    daemon = await startDaemonProcess({ NATSTATE_DATA: dir, NATSTATE_NATS_PORT: "0" });
    const traffic = ["--orders", "20", "--rate", "0", "--malformed", "4", "--prefix", "sim1-"];
    parse(await run("simulate", ...traffic, "--json"));
    await until("all orders are there", async () => parse(await run("stats", "--json")).orders.total === 20);
  });
  afterAll(async () => {
    await daemon.stop();
    await rm(dir, { recursive: true, force: true });
  });
}

/** What the HTTP API says, to hold the commands against and to wait for things. */
export async function api(path: string) {
  const response = await fetch(`${daemon.httpUrl}/api/${path}`);
  return response.ok ? JSON.parse(await response.text()) : undefined;
}

/** What a command that went well has printed. */
export function parse({ code, stdout, stderr }: Ran) {
  expect(code, stderr).toBe(0);
  return JSON.parse(stdout);
}
