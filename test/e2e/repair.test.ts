import { mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import Database from "better-sqlite3";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { partitionOf } from "../../src/wire/names.ts";
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

function json({ stdout, stderr }: Ran) {
  expect(stdout, stderr).not.toBe("");
  return JSON.parse(stdout);
}

it("verify: finds a store as the log gives it, one order, a sample or all, while the daemon goes on", async () => {
  const id = messages.find(({ rejectedAs }) => rejectedAs === undefined)?.actorId ?? "";
  const [one, some, all, nobody] = await Promise.all([
    run("verify", "--order", id),
    run("verify", "--sample", "30", "--json"),
    run("verify", "--all", "--json"),
    run("verify", "--order", "nobody"),
  ]);
  expect(one).toMatchObject({ code: 0, stdout: expect.stringMatching(/1 orders derived.*say the same/) });
  expect(json(some)).toEqual({
    checked: 30,
    retired: 0,
    fromStore: 0,
    otherHistories: 0,
    differing: 0,
    differences: [],
  });
  expect(json(all)).toEqual({
    checked: 120,
    retired: 0,
    fromStore: 0,
    otherHistories: 0,
    differing: 0,
    differences: [],
  });
  expect(nobody).toMatchObject({
    code: 3,
    stderr: expect.stringContaining("neither in the store nor in the stream"),
  });
});

it("verify: finds what was changed by hand: a state, an event, a decision, a row that is gone", async () => {
  const copy = `${world.storeFile}.untouched`;
  await run("backup", copy);
  const ids = [...new Set(messages.flatMap(({ rejectedAs, actorId }) => (rejectedAs || !actorId ? [] : [actorId])))];
  const [one, two, three, four] = ids;
  const db = new Database(copy);
  const key = (id?: string) => db.prepare("SELECT key FROM actors WHERE id = ?").pluck().get(id);
  const decided = db.prepare("SELECT actor_id FROM decisions WHERE revision = 1 AND actor_id NOT IN (?, ?, ?)");
  const fifth = decided.pluck().get(one, two, three) as string;
  db.prepare("UPDATE actors SET state = 'processing', completeness = 1 WHERE key = ?").run(key(one));
  db.prepare(
    "UPDATE events SET body = '{}' WHERE actor_key = ? AND sequence = (SELECT min(sequence) FROM events WHERE actor_key = ?)",
  ).run(key(two), key(two));
  db.prepare("DELETE FROM actors WHERE id = ?").run(three);
  db.prepare("UPDATE actors SET snapshot = replace(snapshot, ':', ': ') WHERE key = ?").run(key(four));
  db.prepare(
    "UPDATE decisions SET payload = replace(payload, '\"revision\":1', '\"revision\":1 ') WHERE actor_id = ? AND revision = 1",
  ).run(fifth);
  db.close();
  const other = join(world.dataDir, "changed");
  mkdirSync(other);
  renameSync(copy, join(other, "natstate.db"));
  const verify = (...args: string[]) =>
    runCli(["verify", ...args], { NATS_URL: world.server.url, NATSTATE_DATA: other });

  const [all, single, text] = await Promise.all([
    verify("--all", "--json"),
    verify("--order", three ?? "", "--json"),
    verify("--order", one ?? ""),
  ]);
  expect([all.code, single.code, text.code]).toEqual([1, 1, 1]);
  const found = new Map<string, string[]>();
  for (const { orderId, what } of json(all).differences) found.set(orderId, [...(found.get(orderId) ?? []), what]);
  expect([...found.keys()].sort()).toEqual([one, two, three, four, fifth].sort());
  expect(found.get(one ?? "")).toEqual(["state", "completeness"]);
  expect(found.get(two ?? "")).toEqual([expect.stringMatching(/^event .*: body$/)]);
  expect(found.get(three ?? "")?.[0]).toBe("row");
  expect(found.get(four ?? "")).toEqual(["snapshot"]);
  expect(found.get(fifth)).toEqual(["revision 1", "revision 1 in DECISIONS"]);
  expect(json(single).differences[0]).toMatchObject({ orderId: three, what: "row", store: null });
  expect(text.stdout).toMatch(/state is processing, the log gives /);
});

/** Directories of two daemons, each with a copy of the store in which the partitions that are said are unread. */
async function splitInTwo(name: string, unreadOf: (partition: number) => "first" | "second"): Promise<string> {
  const directory = join(world.dataDir, name);
  for (const [which, path] of [["first", directory] as const, ["second", join(directory, "daemons/2")] as const]) {
    mkdirSync(path, { recursive: true });
    const file = join(path, "natstate.db");
    await run("backup", file);
    const db = new Database(file);
    for (let partition = 0; partition < 16; partition++) {
      if (unreadOf(partition) !== which) continue;
      db.prepare("UPDATE checkpoints SET sequence = 0 WHERE stream = 'ORDERS' AND partition = ?").run(partition);
    }
    const ids = db.prepare("SELECT id FROM actors").pluck().all() as string[];
    const remove = db.prepare("DELETE FROM actors WHERE id = ?");
    for (const id of ids) if (unreadOf(partitionOf(id, 16)) === which) remove.run(id);
    db.close();
  }
  return directory;
}

it("verify: one order in one of several stores is verified, whatever that store lacks besides", async () => {
  const id = messages.find(({ rejectedAs }) => rejectedAs === undefined)?.actorId ?? "";
  const own = partitionOf(id, 16);
  const directory = await splitInTwo("two", (partition) => (partition === own ? "first" : "second"));
  const verify = (data: string, ...args: string[]) =>
    runCli(["verify", "--order", id, ...args], { NATS_URL: world.server.url, NATSTATE_DATA: data });
  const [both, asJson, second] = await Promise.all([
    verify(directory),
    verify(directory, "--json"),
    verify(join(directory, "daemons/2"), "--json"),
  ]);
  expect(both.stdout).not.toMatch(/not verified/);
  expect(both).toMatchObject({ code: 0, stdout: expect.stringMatching(/1 orders derived.*say the same/) });
  expect(json(asJson)).not.toHaveProperty("partitionsElsewhere");
  expect(json(second), "only the order's own partition counts").not.toHaveProperty("partitionsElsewhere");
});

it("verify: a store that cannot be read costs its own result, not those of the others", async () => {
  const directory = join(world.dataDir, "damaged");
  const further = join(directory, "daemons/2");
  mkdirSync(further, { recursive: true });
  await run("backup", join(directory, "natstate.db"));
  writeFileSync(join(further, "natstate.db"), "no store at all\n".repeat(1000));
  const verify = (...args: string[]) =>
    runCli(["verify", ...args], { NATS_URL: world.server.url, NATSTATE_DATA: directory });
  const [all, text, nobody] = await Promise.all([
    verify("--all", "--json"),
    verify("--sample", "5"),
    verify("--order", "nobody"),
  ]);
  expect(json(all)).toMatchObject({ checked: 120, stores: [{ checked: 120 }, { directory: further, checked: 0 }] });
  expect(json(all).stores[1].error).toMatch(/natstate\.db/);
  expect(text.stdout).toMatch(
    new RegExp(`5 orders derived.*same\nthe store of ${further}:\nnot verified: .*natstate.db`),
  );
  for (const { code, stderr } of [all, text, nobody]) {
    expect([code, stderr]).toEqual([1, expect.stringContaining(`not verified: ${further}`)]);
  }
});

describe("backup", () => {
  it("of no store says so", async () => {
    const none = await runCli(["backup", "/tmp/unused.db"], { NATSTATE_DATA: join(world.dataDir, "none") });
    expect(none).toMatchObject({ code: 1, stderr: expect.stringContaining("there is no store") });
  });

  it("of several stores is put in place when all are copied, and not before", async () => {
    const directory = join(world.dataDir, "half");
    const target = join(world.dataDir, "half.db");
    mkdirSync(join(directory, "daemons/2"), { recursive: true });
    await run("backup", join(directory, "natstate.db"));
    writeFileSync(join(directory, "daemons/2/natstate.db"), "no store at all\n".repeat(1000));
    writeFileSync(target, "of yesterday");
    const failed = await runCli(["backup", target, "--force"], { NATSTATE_DATA: directory });
    expect(failed).toMatchObject({ code: 1, stderr: expect.stringContaining("is damaged") });
    expect(readFileSync(target, "utf8")).toBe("of yesterday");
    expect(readdirSync(world.dataDir).filter((name) => name.startsWith("half.db"))).toEqual(["half.db"]);
  });

  it("names copies that are not of it, and with --force removes those of daemons that have left", async () => {
    const directory = join(world.dataDir, "fewer");
    const target = join(world.dataDir, "fewer.db");
    const below = join(directory, "daemons/3");
    mkdirSync(below, { recursive: true });
    for (const to of [join(directory, "natstate.db"), join(below, "natstate.db"), `${target}.3`, `${target}.7`])
      await run("backup", to);
    writeFileSync(join(below, "left"), "");
    writeFileSync(`${target}.4`, "no store");
    const names = () => readdirSync(world.dataDir).filter((name) => name.startsWith("fewer.db"));
    const backup = (...args: string[]) => runCli(["backup", target, ...args], { NATSTATE_DATA: directory });
    const told = await backup();
    for (const n of [3, 7]) expect(told.stdout).toContain(`${target}.${n} is not of this backup`);
    expect(told.stdout).not.toContain(`${target}.4`);
    expect(names()).toEqual(["fewer.db", "fewer.db.3", "fewer.db.4", "fewer.db.7"]);
    const forced = json(await backup("--force", "--json"));
    expect(forced).toMatchObject({ file: target, removed: [`${target}.3`], notOfThis: [`${target}.7`] });
    expect(names(), "a number that no daemon had is somebody's own").toEqual(["fewer.db", "fewer.db.4", "fewer.db.7"]);
  });
});
