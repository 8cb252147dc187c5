import { once } from "node:events";
import { existsSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect } from "@nats-io/transport-node";
import { afterEach, beforeEach, expect, it } from "vitest";
import type { TrafficMessage } from "../../src/actor/actor-type.ts";
import type { Readiness } from "../../src/console/sources.ts";
import { freePort } from "../../src/nats-server/ready.ts";
import { startTestServer } from "../server.ts";
import { until } from "../until.ts";
import { runCli } from "./cli-run.ts";
import { type DaemonProcess, spawnDaemon, startDaemonProcess } from "./daemon-process.ts";
import { getJson, openWorld, traffic, type World } from "./world.ts";

let dir = "";
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "natstate-several-"));
});
afterEach(async () => {
  for (const { pid } of running()) process.kill(pid, "SIGKILL");
  await until("all are gone", () => running().length === 0);
  rmSync(dir, { recursive: true, force: true });
});

/** Processes whose command line or, as a supervisor's, environment speaks of the test's directory. */
function running(): { readonly pid: number; readonly line: string }[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .map((name) => ({ pid: Number(name), line: read(`/proc/${name}/cmdline`), env: read(`/proc/${name}/environ`) }))
    .filter(({ line, env }) => line.includes(dir) || env.includes(dir));
}

function read(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return "";
  }
}

function start(daemons: number, natsPort: number): Promise<DaemonProcess> {
  const env = { NATSTATE_DATA: dir, NATSTATE_NATS_PORT: String(natsPort) };
  return startDaemonProcess(env, ["--daemons", String(daemons)]);
}

/** The process of one of them. */
function pidOf(daemon: number): number | undefined {
  return running().find(({ line }) => line.includes(`"daemon":${daemon},`))?.pid;
}

async function stopInTime(daemons: DaemonProcess): Promise<void> {
  const before = performance.now();
  expect(await daemons.stop()).toBe(0);
  expect(performance.now() - before).toBeLessThan(10_000);
  expect(running()).toEqual([]);
}

/** Is all decided, as an independent model has it, and nothing twice? What is doubled does not pass by waiting. */
async function untilRight(world: Pick<World, "checkStreams">, daemons: DaemonProcess, messages: TrafficMessage[]) {
  let last: unknown;
  const isRight = () =>
    world.checkStreams(messages).then(
      () => true,
      (error) => {
        last = error;
        return false;
      },
    );
  await until("everything is as it should be", isRight, 60_000).catch((error) => {
    throw new Error(daemons.output(), { cause: last ?? error });
  });
  const ids = new Set(messages.flatMap(({ actorId, rejectedAs }) => (rejectedAs === undefined ? (actorId ?? []) : [])));
  // Each time another daemon is asked.
  const ask = (id: string) => fetch(`${daemons.httpUrl}/api/orders/${id}`, { headers: { connection: "close" } });
  for (const id of ids) await until(`${id} is answered`, async () => (await ask(id)).ok, 20_000);
}

it("several daemons of one start are as one: none is missed when it is killed, and their number may change", async () => {
  const messages = traffic(240, 51);
  const quarter = Math.ceil(messages.length / 4);
  const port = await freePort();
  let daemons = await start(3, port);
  await using world = await openWorld({ url: daemons.natsUrl, stop: async () => {} });
  const killed = pidOf(2);
  const published = world.publish(messages.slice(0, quarter));
  process.kill(killed as number, "SIGKILL");
  // Whoever had just been connected to the one that is killed gets no answer.
  const readiness = () => getJson(daemons, "/readyz").catch(() => undefined);
  await until("it is missed", async () => (await readiness())?.checks.daemons.ok === false);
  await published;
  await until("another one is in its place", async () => (await readiness())?.ready, 60_000);
  expect(pidOf(2)).not.toBe(killed);
  const metrics = await (await fetch(`${daemons.httpUrl}/metrics`)).text();
  for (const daemon of [1, 2, 3]) expect(metrics).toMatch(new RegExp(`^natstate_ready{daemon="${daemon}"} [01]$`, "m"));
  await untilRight(world, daemons, messages.slice(0, quarter));
  const frozen = pidOf(3) as number;
  process.kill(frozen, "SIGSTOP");
  // Who is frozen may be given a connection, and answers it later.
  const ask = () =>
    fetch(`${daemons.httpUrl}/readyz`, { headers: { connection: "close" }, signal: AbortSignal.timeout(1000) })
      .then((answer) => answer.json())
      .catch(() => undefined);
  const said = async () => ((await ask()) as Readiness | undefined)?.checks.daemons?.detail ?? "";
  await until("the frozen one is named", async () => (await said()).includes("daemon 3 does not answer"), 20_000);
  process.kill(frozen, "SIGCONT");
  await until("it answers again", async () => (await said()).endsWith("the other 2 are ready"), 20_000);
  await stopInTime(daemons);
  for (const [index, wanted] of [2, 1, 2].entries()) {
    daemons = await start(wanted, port);
    await world.publish(messages.slice((index + 1) * quarter, (index + 2) * quarter));
    for (const surplus of [2, 3].filter((daemon) => daemon > wanted)) {
      const isLeft = () => existsSync(join(dir, "daemons", String(surplus), "left"));
      await until(`daemon ${surplus} has left`, () => isLeft() && pidOf(surplus) === undefined, 60_000);
      expect(existsSync(join(dir, "daemons", String(surplus), "natstate.json")), "nothing runs there").toBe(false);
    }
    await untilRight(world, daemons, messages.slice(0, (index + 2) * quarter));
    await stopInTime(daemons);
  }
}, 300_000);

it("several daemons are found by the first that answers, before NATS is there and before the others are up", async () => {
  await using server = await startTestServer();
  await server.kill9();
  const port = await freePort();
  const env = { NATS_URL: server.url, NATSTATE_DATA: dir, NATSTATE_HTTP: `127.0.0.1:${port}` };
  const child = spawnDaemon(env, ["--daemons", "2"]);
  const exited = once(child, "exit").then(([code]) => code as number | null);
  const health = async () => {
    const { code, stdout } = await runCli(["health", "--json"], env);
    return { code, said: stdout };
  };
  await until("they wait", async () => (await health()).said.includes("no NATS connection"), 60_000);
  expect((await health()).code).toBe(4);
  const second = await until("the second one runs", () => pidOf(2));
  process.kill(second, "SIGSTOP");
  await server.restart();
  const path = join(dir, "natstate.json");
  await until("the first is found", () => existsSync(path), 60_000);
  expect(JSON.parse(read(path))).toMatchObject({ httpUrl: `http://127.0.0.1:${port}`, pid: child.pid });
  process.kill(second, "SIGCONT");
  await until("all of them are ready", async () => (await health()).code === 0, 60_000);
  child.kill("SIGTERM");
  expect(await exited).toBe(0);
  expect(existsSync(path)).toBe(false);
}, 120_000);

it("the first that answers is found while another one, in a directory that is new, has not even made it", async () => {
  const child = spawnDaemon({ NATSTATE_DATA: dir, NATSTATE_NATS_PORT: "0" }, ["--daemons", "2"]);
  const exited = once(child, "exit").then(([code]) => code as number | null);
  const second = await until("the second one has begun", () => pidOf(2), 60_000);
  process.kill(second, "SIGSTOP");
  const path = join(dir, "natstate.json");
  await until("the first is found", () => child.exitCode !== null || existsSync(path), 60_000);
  expect(child.exitCode).toBeNull();
  process.kill(second, "SIGCONT");
  const health = () => runCli(["health"], { NATSTATE_DATA: dir });
  await until("all of them are ready", async () => (await health()).code === 0, 60_000);
  child.kill("SIGTERM");
  expect(await exited).toBe(0);
}, 120_000);

it("where their port is another's, no other daemon hears of any of them", async () => {
  await using server = await startTestServer();
  const nc = await connect({ servers: server.url });
  const heard: string[] = [];
  nc.subscribe("natstate.>", { callback: (_, { subject }) => void heard.push(subject) });
  await nc.flush();
  const taken = createServer().listen(0, "127.0.0.1");
  await once(taken, "listening");
  const { port } = taken.address() as AddressInfo;
  const env = { NATS_URL: server.url, NATSTATE_DATA: dir, NATSTATE_HTTP: `127.0.0.1:${port}` };
  const { code, stderr } = await runCli(["start", "--daemons", "2"], env);
  expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringContaining(`port ${port} on 127.0.0.1 is in use`) });
  await nc.close();
  taken.close();
  expect(heard).toEqual([]);
}, 60_000);

it("verify and backup see the stores of all of them, while they run", async () => {
  const messages = traffic(120, 53);
  const port = await freePort();
  let daemons = await start(2, port);
  await using world = await openWorld({ url: daemons.natsUrl, stop: async () => {} });
  await world.publish(messages);
  await untilRight(world, daemons, messages);
  const run = (...args: string[]) => runCli(args, { NATSTATE_DATA: dir, NATS_URL: daemons.natsUrl });
  const verified = await run("verify", "--all", "--json");
  expect(verified.stderr).toBe("");
  const { stores, ...sum } = JSON.parse(verified.stdout);
  const further = join(dir, "daemons/2");
  expect(stores).toMatchObject([{ directory: dir }, { directory: further }]);
  expect(stores[1].checked).toBeGreaterThan(20);
  expect(sum).toMatchObject({ checked: stores[0].checked + stores[1].checked, differing: 0 });
  expect(sum, "what one store lacks the other one has").not.toHaveProperty("partitionsElsewhere");
  const shown = await run("verify", "--sample", "5");
  expect(shown.stdout).toMatch(
    new RegExp(`^the store of ${dir}:\n5 orders .* same\nthe store of ${further}:\n5 orders`),
  );
  expect(shown.stdout).not.toMatch(/not verified/);
  const copy = join(dir, "copy.db");
  const saved = JSON.parse((await run("backup", copy, "--json")).stdout);
  expect(saved).toMatchObject({ file: copy, further: [{ daemon: 2, file: `${copy}.2` }] });
  expect((await run("backup", copy)).stderr).toContain(`${copy} is there already`);
  rmSync(copy);
  expect((await run("backup", copy)).stderr).toContain(`${copy}.2 is there already`);
  expect(existsSync(copy), "nothing is copied then").toBe(false);
  await run("backup", copy, "--force");
  await stopInTime(daemons);
  for (const [directory, file] of [[dir, copy] as const, [further, `${copy}.2`] as const]) {
    for (const name of readdirSync(directory)) if (name.startsWith("natstate.db")) rmSync(join(directory, name));
    renameSync(file, join(directory, "natstate.db"));
  }
  daemons = await start(2, port);
  await untilRight(world, daemons, messages);
  await stopInTime(daemons);
}, 180_000);

it("a supervisor that is killed leaves nothing running, and nothing unpublished", async () => {
  const messages = traffic(60, 52);
  const port = await freePort();
  const daemons = await start(2, port);
  await using world = await openWorld({ url: daemons.natsUrl, stop: async () => {} });
  await world.publish(messages);
  await daemons.kill9();
  await until("all have ended", () => running().length === 0, 12_000);
  const again = await start(1, port);
  await untilRight(world, again, messages);
  await stopInTime(again);
}, 120_000);
