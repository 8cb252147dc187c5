import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { jetstream, jetstreamManager } from "@nats-io/jetstream";
import { connect } from "@nats-io/transport-node";
import { afterAll, expect, it } from "vitest";
import { createMachine } from "xstate";
import { z } from "zod";
import { startDaemon } from "../../src/daemon/door.ts";
import { defineActor } from "../../src/natstate.ts";
import { until } from "../until.ts";

const dir = mkdtempSync(join(tmpdir(), "natstate-hosted-"));
afterAll(() => rmSync(dir, { recursive: true, force: true }));

const events = { LampLit: z.object({}), LampOut: z.object({}) };
const machine = createMachine({
  id: "lamp",
  initial: "dark",
  states: { dark: { on: { LampLit: "bright" } }, bright: { on: { LampOut: "dark" } } },
});
const lamp = defineActor({
  name: "lamp",
  events,
  machine,
  conclude: ({ matches }) => ({ content: matches("bright") ? { decisionType: "CurtainsClosed" } : null }),
});

const quiet = { NATSTATE_LOG_LEVEL: "silent" };
const start = (name: string, onFatal?: (error: Error) => void) =>
  startDaemon({
    actors: [lamp],
    env: { ...quiet, NATSTATE_DATA: join(dir, name), NATSTATE_HTTP: "127.0.0.1:0", NATSTATE_NATS_PORT: "0" },
    ...(onFatal && { onFatal }),
  });

/** What belongs to the program and not to a daemon in it. */
function processWide() {
  const umask = process.umask();
  const listeners = ["SIGTERM", "SIGINT", "SIGHUP", "uncaughtException", "unhandledRejection", "exit"].map((event) =>
    process.listenerCount(event),
  );
  return { umask, listeners, cwd: process.cwd(), env: { ...process.env } };
}

async function light(natsUrl: string, id: string): Promise<void> {
  const nc = await connect({ servers: natsUrl });
  const body = { eventType: "LampLit", lampId: id, timestamp: "2026-01-01T10:00:00Z" };
  await jetstream(nc).publish(`lamps.${id}.LampLit`, JSON.stringify(body));
  await nc.close();
}

const stateOf = async (httpUrl: string | null, id: string) => {
  const answer = await fetch(`${httpUrl}/api/lamps/${id}`);
  return answer.ok ? ((await answer.json()) as { state: string }).state : undefined;
};

it("two daemons in one process, each with its own data and ports; the process stays the program's", async () => {
  const before = processWide();
  const [one, other] = await Promise.all([start("one"), start("other")]);
  try {
    await light(one.natsUrl, "hall");
    await until("it is lit", async () => (await stateOf(one.httpUrl, "hall")) === "bright");
    expect(await stateOf(other.httpUrl, "hall")).toBeUndefined();
    expect([one.health().ready, other.health().ready]).toEqual([true, true]);
    await expect(start("one")).rejects.toThrow(/in use/);
  } finally {
    await Promise.all([one.stop(), other.stop(), other.stop()]);
  }
  expect(processWide()).toEqual(before);
  const again = await start("one");
  expect(await until("it is known", () => stateOf(again.httpUrl, "hall"))).toBe("bright");
  await again.stop();
});

it("what only a person can resolve is told to the program, which goes on", async () => {
  const told: Error[] = [];
  const daemon = await start("fatal", (error) => told.push(error));
  try {
    const nc = await connect({ servers: daemon.natsUrl });
    const { streams } = await jetstreamManager(nc);
    const { config } = await streams.info("LAMPS");
    await light(daemon.natsUrl, "hall");
    await until("it is lit", async () => (await stateOf(daemon.httpUrl, "hall")) === "bright");
    await streams.delete("LAMPS");
    await streams.add(config);
    await nc.close();
    const fatal = await until("it is told", () => daemon.health().fatal);
    expect(fatal).toContain("--accept-stream LAMPS");
    expect(told.map(({ message }) => message)).toContain(fatal);
    expect(daemon.health().ready).toBe(false);
    expect(await stateOf(daemon.httpUrl, "hall")).toBe("bright");
  } finally {
    await daemon.stop();
  }
});

it("a start ends when the daemon is ready", async () => {
  const daemon = await start("ready");
  try {
    expect(daemon.health()).toMatchObject({
      ready: true,
      checks: { partitions: { detail: expect.stringContaining("16 of 16") } },
    });
  } finally {
    await daemon.stop();
  }
});

it.each([
  ["an actor type", { actors: [{ ...lamp, idField: "decision" }], env: {} }, /actor type "lamp": idField "decision"/],
  ["a setting", { actors: [lamp], env: { NATSTATE_HTTP: "nowhere" } }, /NATSTATE_HTTP: /],
])("all that is wrong with %s is said before anything is opened", async (_, wrong, message) => {
  const env = { ...quiet, NATSTATE_DATA: join(dir, "refused"), ...wrong.env };
  await expect(startDaemon({ actors: wrong.actors, env })).rejects.toThrow(message);
  expect(existsSync(join(dir, "refused"))).toBe(false);
});
