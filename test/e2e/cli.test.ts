import { mkdir, readdir, stat, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { createMachine } from "xstate";
import { orderMachine } from "../../machines/order/machine.ts";
import { demoDefaults } from "../../src/demo/demo.ts";
import { until } from "../until.ts";
import { runCli, startCli } from "./cli-run.ts";
import { api, daemon, dir, parse, run, useSystem } from "./cli-system.ts";

useSystem();

test("get shows one order, as text and as the API's JSON", async () => {
  const [text, json] = await Promise.all([run("get", "sim1-order-123"), run("get", "sim1-order-123", "--json")]);
  expect(text.stdout).toMatch(
    /^order sim1-order-123\n\nstate +confirmed\nknown +80 %\nwaiting for +LoyaltyPointsUpdated\n/,
  );
  expect(parse(json)).toEqual(await api("orders/sim1-order-123"));
});

test("history, list and stats agree with each other", async () => {
  const [history, list, confirmed, stats] = (
    await Promise.all([
      run("history", "sim1-order-123", "--json"),
      run("list", "--limit", "7", "--json"),
      run("list", "--state", "confirmed", "--json"),
      run("stats", "--json"),
    ])
  ).map(parse);
  expect(history).toEqual(await api("orders/sim1-order-123/history"));
  expect(list).toMatchObject({ more: true });
  expect(list.orders).toEqual((await api("orders?limit=7")).orders);
  expect(confirmed.orders).toHaveLength(stats.orders.byState.confirmed);
  expect(stats).toEqual(await api("stats"));
});

test("an order that does not exist is exit code 3, an id that cannot exist 2", async () => {
  await until(
    "it has read everything",
    async () => (await fetch(`${daemon.httpUrl}/api/orders/nobody`)).status === 404,
  );
  const [missing, history, impossible] = await Promise.all([
    run("get", "nobody"),
    run("history", "nobody", "--json"),
    run("get", "a.b"),
  ]);
  expect(missing).toMatchObject({ code: 3, stdout: "", stderr: expect.stringContaining("no order nobody") });
  expect(history).toMatchObject({ code: 3, stdout: "" });
  expect(impossible.code).toBe(2);
});

test("what was mistyped is exit code 2, and says what was expected", async () => {
  const mistakes: [string, ...string[]][] = [
    ["unknown command", "bogus"],
    ["pending, processing", "list", "--state", "lost"],
    ["from 0 to 1", "simulate", "--late", "2"],
    ["duration", "watch", "--since", "soon"],
    ["--waiting-for: ", "list", "--waiting-for", "Payment"],
    ["--updated-before: ", "list", "--updated-before", "yesterday"],
    ["a duration such as", "list", "--due-before", "20x"],
    ["a URL such as", "health", "--http", "foo"],
    ["one of the three", "dead-letters", "redrive"],
    ["expected nats://", "stats", "--nats", "a b"],
    ["expected nats://", "health", "--nats", "a b"],
    ["no such stream", "start", "--accept-stream", "OTHERS"],
  ];
  const ran = await Promise.all(mistakes.map(([, ...args]) => run(...args)));
  ran.forEach(({ code, stderr }, index) => {
    expect({ code, stderr }).toEqual({ code: 2, stderr: expect.stringContaining(mistakes[index]?.[0] ?? "") });
  });
});

test("a port in use is told with the option that chooses another", async () => {
  const { port } = new URL(daemon.httpUrl);
  expect(await run("inspect", "sim1-order-123", "--port", port)).toMatchObject({
    code: 1,
    stderr: `natstate: port ${port} on 127.0.0.1 is in use: choose another --port, or 0 for a free one\n`,
  });
});

test("health is exit code 0 when ready, and 4 when nothing runs", async () => {
  const [ready, overNats, stopped] = await Promise.all([
    run("health", "--json"),
    run("health", "--nats", daemon.natsUrl),
    run("health", "--http", "http://127.0.0.1:1", "--json"),
  ]);
  expect(parse(ready).ready).toBe(true);
  expect(overNats).toMatchObject({ code: 0, stdout: expect.stringContaining("natstate answers at nats://") });
  expect(stopped.code).toBe(4);
  expect(JSON.parse(stopped.stdout)).toMatchObject({ ready: false });
  expect(stopped.stderr).toContain("Start it with: npx natstate start");
});

test("a host that nobody knows is named, and not taken for a daemon that does not run", async () => {
  const { code, stderr } = await run("list", "--nats", "nats://nowhere.invalid:4222");
  expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringContaining("nowhere.invalid") });
  expect(stderr).not.toMatch(/not running/);
});

test("health, which probes run every few seconds, loads nothing that takes longer than its answer", async () => {
  const spy = join(dir, "loaded.mjs");
  await writeFile(
    spy,
    `import { registerHooks } from "node:module";
    const packages = new Set();
    const note = (url) => packages.add(/.*\\/node_modules\\/((?:@[^/]+\\/)?[^/]+)/.exec(url)?.[1]);
    registerHooks({ load: (url, context, next) => (note(url), next(url, context)) });
    process.on("exit", () => console.error([...packages].filter(Boolean).sort().join()));`,
  );
  const env = { NATSTATE_DATA: dir, NODE_OPTIONS: `--import ${spy}` };
  const [health, stats] = await Promise.all([runCli(["health"], env), runCli(["stats"], env)]);
  expect(health).toMatchObject({ code: 0, stderr: expect.stringContaining("commander") });
  expect(health.stderr).not.toMatch(/zod|nats|xstate|sqlite/);
  expect(stats.stderr).toMatch(/nats.*zod/);
});

test("after a mistake a command names its own help", async () => {
  const { code, stderr } = await run("quarantine", "show");
  expect([code, stderr]).toEqual([2, expect.stringContaining("(npx natstate quarantine show --help says more)")]);
});

test("a reader that finds no system is told where it looked and how to start one, exit code 1", async () => {
  const { code, stderr } = await runCli(["list"], {
    NATSTATE_DATA: join(dir, "empty"),
    NATS_URL: "nats://127.0.0.1:1",
  });
  expect(code).toBe(1);
  expect(stderr).toMatch(
    /^natstate is not running: nothing answers at nats:\/\/127\.0\.0\.1:1 \(NATS_URL\).*npx natstate start/,
  );
});

test("config masks passwords, and lists every problem with exit code 2", async () => {
  const masked = await runCli(["config", "--json"], { NATS_URL: "nats://me:secret@10.0.0.1:4222" });
  expect(masked.stdout).not.toContain("secret");
  expect(parse(masked).settings.find(({ name }: { name: string }) => name === "NATSTATE_HTTP").source).toBe("default");
  const wrong = await runCli(["config"], { NATSTATE_PARTITIONS: "0", NATSTATE_TYPO: "1" });
  expect(wrong.code).toBe(2);
  expect(wrong.stderr).toMatch(/2 problems[\s\S]*NATSTATE_TYPO[\s\S]*NATSTATE_PARTITIONS/);
});

test("files that a setting names and nobody can use are told by the setting's name, before anything is tried", async () => {
  const files = await runCli(["list"], { NATS_CREDS: "/nope", NATSTATE_TLS_CA: dir, NATSTATE_DATA: "/etc/passwd" });
  expect(files).toMatchObject({ code: 2, stdout: "" });
  expect(files.stderr).toContain("NATS_CREDS: /nope is not there\n");
  expect(files.stderr).toContain(`NATSTATE_TLS_CA: ${dir} is a directory, expected a file\n`);
  expect(files.stderr).toContain("NATSTATE_DATA: /etc/passwd is not a directory\n");
  for (const command of ["start", "rebuild"]) {
    const unmakeable = await runCli([command], { NATSTATE_DATA: "/proc/natstate/data" });
    expect(unmakeable).toMatchObject({ code: 2, stderr: expect.stringContaining("natstate/data cannot be made (") });
  }
});

test("doctor says once how to start what does not run", async () => {
  const { stdout } = await runCli(["doctor", "--nats", "nats://127.0.0.1:1"], { NATSTATE_DATA: join(dir, "empty") });
  expect(stdout).toContain("Start it with: npx natstate start");
  expect(stdout).not.toContain("..");
});

test("backup names a directory that is not there, and never writes over a directory or the store", async () => {
  const linked = join(dir, "linked");
  await symlink(dir, linked);
  const taken = join(dir, "taken");
  await mkdir(taken);
  const store = await stat(join(dir, "natstate.db"));
  const [nowhere, itself, directory] = await Promise.all([
    run("backup", "/nope/x.db"),
    run("backup", join(linked, "natstate.db"), "--force"),
    run("backup", taken, "--force"),
  ]);
  const message = "natstate: there is no directory /nope: make it, or name another file\n";
  expect(nowhere).toEqual({ code: 2, stdout: "", stderr: message });
  expect(itself).toMatchObject({ code: 2, stderr: expect.stringContaining("is the store itself") });
  expect(directory).toMatchObject({ code: 2, stderr: expect.stringContaining("is a directory") });
  expect((await stat(join(dir, "natstate.db"))).ino).toBe(store.ino);
  expect((await readdir(dir)).filter((name) => name.includes("partial"))).toEqual([]);
});

test("rebuild beside a running daemon says which process to stop", async () => {
  const message = `is in use by natstate (process ${daemon.pid}): stop it first`;
  expect(await run("rebuild")).toMatchObject({ code: 1, stderr: expect.stringContaining(message) });
});

test("the exported machine is one: as JSON, as its source, as a diagram of all states", async () => {
  const [json, mermaid, source] = await Promise.all(
    ["json", "mermaid", "source"].map((format) => run("machine", "export", "--format", format)),
  );
  const machine = createMachine(JSON.parse(json?.stdout ?? ""));
  expect(Object.keys(machine.states)).toEqual(Object.keys(orderMachine.states));
  expect(mermaid?.stdout).toMatch(/^stateDiagram-v2\n[\s\S]* {2}processing --> confirmed : \[isConfirmed\]\n/);
  expect(source?.stdout).toContain("export const orderMachine");
});

test("help says what is taken when nothing is given, and its examples work after npm ci", async () => {
  const [demo, top, get] = await Promise.all(["demo", "top", "get"].map((command) => run(command, "--help")));
  expect(demo?.stdout).toMatch(
    new RegExp(`orders \\(default: ${demoDefaults.actors}\\)[^]*\\(default: ${demoDefaults.seed}\\)`),
  );
  expect(top?.stdout).toContain("(default: 1s)");
  expect(get?.stdout).toContain("  npx natstate get order-123 ");
});

test("--json is taken by what prints JSON anyway", async () => {
  const [schema, bare, machine, text] = await Promise.all([
    run("schema", "--json"),
    run("schema"),
    run("machine", "export", "--json").then(parse),
    run("machine", "export", "--json", "--format", "text"),
  ]);
  expect(schema).toEqual(bare);
  expect(machine).toMatchObject({ id: "order" });
  expect(text).toMatchObject({ code: 2, stderr: expect.stringContaining("give one of them") });
});

test("watch shows past and new decisions until a signal, as text and as lines of JSON", async () => {
  const env = { NATSTATE_DATA: dir };
  const [text, json] = [startCli(["watch", "--since", "1h"], env), startCli(["watch", "--since", "1h", "--json"], env)];
  for (const watch of [text, json]) await until("past decisions", () => watch.stdout().includes("sim1-order-123"));
  expect((await run("simulate", "--orders", "3", "--rate", "0", "--seed", "2", "--prefix", "sim2-")).code).toBe(0);
  for (const watch of [text, json]) await until("new decisions", () => watch.stdout().includes("sim2-order-123"));
  text.kill("SIGINT");
  json.kill("SIGTERM");
  const [asText, asJson] = await Promise.all([text.ran, json.ran]);
  expect([asText.code, asJson.code]).toEqual([0, 0]);
  const lines = asJson.stdout
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
  expect(lines).toHaveLength(asText.stdout.trim().split("\n").length);
  expect(lines[0]).toMatchObject({ decisionType: expect.any(String), publishedAt: expect.any(String) });
});

test("a type's own name says which of its actors, and how many", async () => {
  const [many, two] = await Promise.all([run("simulate", "--help"), run("verify", "--order", "a", "--all")]);
  expect(many?.stdout).toContain("--orders <n>");
  expect(two).toMatchObject({ code: 2, stderr: expect.stringContaining("say which: --order, --sample or --all") });
});
