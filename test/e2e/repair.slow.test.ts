import { copyFileSync, existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { headers } from "@nats-io/transport-node";
import Database from "better-sqlite3";
import { describe, expect, it } from "vitest";
import { until } from "../until.ts";
import { type Ran, runCli } from "./cli-run.ts";
import { getJson, openWorld, traffic } from "./world.ts";

function json({ stdout, stderr }: Ran) {
  expect(stdout, stderr).not.toBe("");
  return JSON.parse(stdout);
}

describe("verify", () => {
  it("takes another writer's decision for history once it was superseded, and reports one that stands unfounded", async () => {
    await using world = await openWorld();
    const env = { NATS_URL: world.server.url, NATSTATE_DATA: world.dataDir };
    const daemon = await world.start();
    const messages = traffic(20, 55, { malformed: 0 });
    for (const id of new Set(messages.map(({ actorId }) => actorId))) {
      const header = headers();
      header.set("Natstate-Revision", "1");
      const decision = { decisionType: "OrderConfirmed", orderId: id, revision: 1, warehouseId: "elsewhere" };
      await world.session.js.publish(`decisions.orders.${id}`, JSON.stringify(decision), { headers: header });
    }
    await world.publish(messages);
    await world.settle(daemon);
    await until("publishing is over", async () => {
      const { checks } = await getJson(daemon, "/readyz");
      return checks.publisher.detail.startsWith("0 ");
    });
    const [all, some] = await Promise.all([
      runCli(["verify", "--all", "--json"], env),
      runCli(["verify", "--sample", "20", "--json"], env),
    ]);
    const db = new Database(world.storeFile, { readonly: true });
    const silent = db.prepare("SELECT id FROM actors WHERE revision = 0 ORDER BY id").pluck().all();
    db.close();
    // Those of which the daemon had reason to look.
    for (const { orderId, what } of json(all).differences) {
      expect(silent).toContain(orderId);
      expect(what).toBe("revision 1 in DECISIONS");
    }
    expect(json(all).otherHistories).toBeGreaterThan(0);
    expect({ ...json(some), differences: [] }).toEqual({ ...json(all), differences: [] });
  }, 120_000);

  it("holds orders from before a stream was made anew against themselves, and a rebuild keeps them", async () => {
    await using world = await openWorld();
    const env = { NATS_URL: world.server.url, NATSTATE_DATA: world.dataDir };
    const first = traffic(30, 56, { malformed: 0 });
    const second = traffic(30, 57, { malformed: 0, idPrefix: "second-" });
    let daemon = await world.start();
    await world.publish(first);
    await world.settle(daemon);
    await daemon.stop();
    await world.session.jsm.streams.delete("ORDERS");
    await (await world.start({ NATSTATE_DATA: join(world.dataDir, "other") })).stop();
    daemon = await world.start({}, ["--accept-stream", "ORDERS"]);
    await world.publish([...second, ...first.slice(0, 40)]);
    await until("the second are there", async () => (await getJson(daemon, "/api/stats")).orders.total === 60);
    await world.settle(daemon);
    const verified = json(await runCli(["verify", "--all", "--json"], env));
    expect(verified).toMatchObject({ checked: 60, differing: 0, differences: [] });
    expect(verified.fromStore).toBeGreaterThan(30);
    await daemon.stop();
    expect(json(await runCli(["rebuild", "--json"], env))).toMatchObject({ actors: 60, pending: 0, differences: [] });
    daemon = await world.start();
    await world.check(daemon, [...first, ...second, ...first.slice(0, 40)]);
  }, 120_000);
});

describe("backup", () => {
  it("taken under load is one moment of the store; starting with it converges to the same orders", async () => {
    await using world = await openWorld();
    const env = { NATS_URL: world.server.url, NATSTATE_DATA: world.dataDir };
    const messages = traffic(300, 52, { malformed: 4 });
    let daemon = await world.start();
    const file = join(world.dataDir, "backup.db");
    const published = world.publish(messages);
    await until("something is there", async () => (await getJson(daemon, "/api/stats")).orders.total > 30);
    const [taken, verified] = await Promise.all([
      runCli(["backup", file, "--json"], env),
      runCli(["verify", "--all", "--json"], env),
    ]);
    expect(json(verified)).toMatchObject({ differing: 0, differences: [] });
    expect(taken.code, taken.stderr).toBe(0);
    expect(json(taken).actors.orders).toBeGreaterThan(30);
    expect(readdirSync(world.dataDir).filter((name) => name.startsWith("backup.db"))).toEqual(["backup.db"]);
    expect(await runCli(["backup", file], env)).toMatchObject({ code: 1, stderr: expect.stringContaining("--force") });
    await published;
    await world.settle(daemon);
    const decisions = await world.streamSize("DECISIONS");
    await daemon.kill9();
    for (const suffix of ["", "-wal", "-shm"]) rmSync(`${world.storeFile}${suffix}`, { force: true });
    copyFileSync(file, world.storeFile);
    daemon = await world.start();
    await world.settle(daemon);
    await world.check(daemon, messages);
    expect(await world.streamSize("DECISIONS")).toBe(decisions);
  }, 180_000);
});

it("rebuild: waits for no daemon; killed in the middle it goes on, and changes nothing before the new store is verified", async () => {
  await using world = await openWorld();
  const env = { NATS_URL: world.server.url, NATSTATE_DATA: world.dataDir };
  const messages = traffic(700, 53, { malformed: 4 });
  let daemon = await world.start();
  await world.publish(messages);
  await world.settle(daemon);
  expect(await runCli(["rebuild"], env)).toMatchObject({ code: 1, stderr: expect.stringContaining("in use by") });
  await daemon.stop();
  const decisions = await world.streamSize("DECISIONS");
  const before = readFileSync(world.storeFile);

  const crash = { ...env, NODE_ENV: "test", NATSTATE_TEST_CRASH: "in_transaction:3" };
  expect((await runCli(["rebuild"], crash)).code).toBe(null);
  expect(readFileSync(world.storeFile).equals(before)).toBe(true);
  expect(existsSync(`${world.storeFile}.rebuild`)).toBe(true);

  const rebuilt = await runCli(["rebuild", "--json"], env);
  expect(rebuilt.code, rebuilt.stderr).toBe(0);
  expect(json(rebuilt)).toMatchObject({ actors: 700, pending: 0, resumed: true, fromOldStore: 0, differences: [] });
  expect(readdirSync(world.dataDir).filter((name) => name.includes("rebuild"))).toEqual(["natstate.db.before-rebuild"]);
  daemon = await world.start();
  await world.settle(daemon);
  await world.check(daemon, messages);
  expect(await world.streamSize("DECISIONS")).toBe(decisions);
}, 180_000);

it("rebuild: takes from the old store what has left the stream, and refuses to lose what neither gives", async () => {
  await using world = await openWorld();
  const env = { NATS_URL: world.server.url, NATSTATE_DATA: world.dataDir };
  const messages = traffic(60, 54, { malformed: 0 });
  let daemon = await world.start();
  await world.publish(messages);
  await world.settle(daemon);
  const { state } = await world.session.jsm.streams.info("ORDERS");
  await world.session.jsm.streams.purge("ORDERS", { seq: Math.floor(state.last_seq / 2) });
  expect(json(await runCli(["verify", "--all", "--json"], env))).toMatchObject({ checked: 60, differing: 0 });
  await daemon.stop();
  rmSync(`${world.storeFile}.before-rebuild`, { force: true });
  const rebuilt = json(await runCli(["rebuild", "--json"], env));
  expect(rebuilt).toMatchObject({ actors: 60, differences: [] });
  expect(rebuilt.fromOldStore).toBeGreaterThan(0);
  daemon = await world.start();
  await world.settle(daemon).catch(() => {});
  await world.check(daemon, messages);
  expect(json(await runCli(["verify", "--all", "--json"], env))).toMatchObject({ checked: 60, differing: 0 });
  await daemon.stop();

  rmSync(world.storeFile);
  const refused = await runCli(["rebuild"], env);
  expect(refused).toMatchObject({ code: 1, stderr: expect.stringMatching(/has left it.*--accept-differences/s) });
  expect(existsSync(world.storeFile)).toBe(false);
  const accepted = await runCli(["rebuild", "--accept-differences"], env);
  expect(accepted).toMatchObject({ code: 0, stdout: expect.stringMatching(/accepted +what ORDERS held before/) });
}, 180_000);

it("rebuild: takes the place of a store that is damaged", async () => {
  await using world = await openWorld();
  const env = { NATS_URL: world.server.url, NATSTATE_DATA: world.dataDir };
  const messages = traffic(60, 58, { malformed: 2 });
  let daemon = await world.start();
  await world.publish(messages);
  await world.settle(daemon);
  await daemon.stop();
  const bytes = readFileSync(world.storeFile);
  writeFileSync(world.storeFile, bytes.fill(0x55, 8192, 5 * 8192));
  expect((await runCli(["doctor"], env)).stdout).toMatch(/PROBLEM +store /);
  expect(json(await runCli(["rebuild", "--json"], env))).toMatchObject({ actors: 60, differences: [], pending: 0 });
  daemon = await world.start();
  await world.check(daemon, messages);
}, 180_000);
