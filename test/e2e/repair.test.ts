import { copyFileSync, existsSync, rmSync } from "node:fs";
import { join } from "node:path";
import Database from "better-sqlite3";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Ran, runCli } from "./cli-run.ts";
import type { DaemonProcess } from "./daemon-process.ts";
import { openWorld, traffic, type World } from "./world.ts";

const messages = traffic(120, 51, { malformed: 6 });
let world: World;
let daemon: DaemonProcess;

beforeAll(async () => {
  world = await openWorld();
  daemon = await world.start();
  await world.publish(messages);
  await world.settle(daemon);
});
afterAll(() => world[Symbol.asyncDispose]());

const run = (...args: string[]) => runCli(args, { NATS_URL: world.server.url, NATSTATE_DATA: world.dataDir });

/** Changes the store behind the daemon's back. */
function tamper(sql: string, ...parameters: unknown[]): void {
  const db = new Database(world.storeFile);
  db.prepare(sql).run(...parameters);
  db.close();
}

function json({ stdout, stderr }: Ran) {
  expect(stdout, stderr).not.toBe("");
  return JSON.parse(stdout);
}

describe("verify", () => {
  it("finds a store as the log gives it, one order, a sample or all, while the daemon goes on", async () => {
    const id = messages.find(({ rejectedAs }) => rejectedAs === undefined)?.actorId ?? "";
    const [one, some, all, nobody] = await Promise.all([
      run("verify", "--order", id),
      run("verify", "--sample", "30", "--json"),
      run("verify", "--all", "--json"),
      run("verify", "--order", "nobody"),
    ]);
    expect(one).toMatchObject({ code: 0, stdout: expect.stringMatching(/1 orders derived.*say the same/) });
    expect(json(some)).toEqual({ checked: 30, fromStore: 0, found: 0, differences: [] });
    expect(json(all)).toEqual({ checked: 120, fromStore: 0, found: 0, differences: [] });
    expect(nobody).toMatchObject({ code: 3, stderr: expect.stringContaining("neither in the store nor in the stream") });
  });
});
