import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { openSession } from "../../src/jetstream/session.ts";
import type { Member } from "../../src/members/member.ts";
import { freePort } from "../../src/nats-server/ready.ts";
import { startTestCluster } from "../cluster.ts";
import { until } from "../until.ts";
import { runCli } from "./cli-run.ts";
import { type DaemonProcess, startDaemonProcess } from "./daemon-process.ts";
import { restoreStream, snapshotStream } from "./stream-snapshot.ts";
import { getJson, openWorld, traffic, type World } from "./world.ts";

/* What docs/operate.md says to whoever outgrows one process, done. */

let dir = "";
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "natstate-outgrown-"));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

const STREAMS = ["ORDERS", "DECISIONS", "DEAD_LETTERS"];
const PATIENCE_MS = 90_000;

const sizes = ({ streamSize }: Pick<World, "streamSize">) => Promise.all(STREAMS.map(streamSize));
/** Everything stored is applied, everything decided is published: ready is a daemon also when others are not. */
async function untilIdle(daemons: DaemonProcess): Promise<void> {
  const isIdle = async () => {
    const all = (await getJson(daemons, "/api/daemons")).daemons as readonly Member[];
    const metrics = await (await fetch(`${daemons.httpUrl}/metrics`)).text();
    const backlogs = [...metrics.matchAll(/^natstate_publish_backlog\S* (\d+)$/gm)].map(([, count]) => Number(count));
    return all.every(({ lag, ready }) => ready && lag === 0) && Math.max(...backlogs) === 0;
  };
  // Who is connected anew says why there is no answer.
  const isIdleNow = () => isIdle().catch(() => false);
  // Lag is measured every 5 s: what is said then is of now.
  const nowMs = performance.now() + 5500;
  await until("all is applied and published", async () => performance.now() > nowMs && isIdleNow(), PATIENCE_MS);
}

const isReady = async (daemons: DaemonProcess) => (await getJson(daemons, "/readyz")).ready;

it("one process becomes several, then several machines on three nats-servers; nothing is lost, doubled or refused", async () => {
  const messages = traffic(400, 71);
  const quarter = Math.ceil(messages.length / 4);
  const part = (index: number) => messages.slice(index * quarter, (index + 1) * quarter);
  const embedded = { NATSTATE_DATA: join(dir, "a"), NATSTATE_NATS_PORT: String(await freePort()) };

  const one = await startDaemonProcess(embedded);
  await using first = await openWorld({ url: one.natsUrl, stop: async () => {} });
  await first.publish(part(0));
  expect(await one.stop()).toBe(0);

  const several = await startDaemonProcess(embedded, ["--daemons", "2"]);
  await first.publish(part(1));
  await first.settle(several);
  const { nc } = await openSession({ url: several.natsUrl, name: "test" }, () => {});
  const copies = [];
  for (const name of STREAMS) copies.push(await snapshotStream(nc, name));
  await nc.close();
  expect(await several.stop()).toBe(0);

  await using cluster = await startTestCluster();
  await using world = await openWorld({ url: cluster.url, stop: async () => {} });
  for (const copy of copies) await restoreStream(world.session.nc, copy, 3);
  await cluster.settle(world.session);
  const stored = await sizes(world);
  const machine = (name: string, ...args: string[]) =>
    startDaemonProcess(
      { NATSTATE_DATA: join(dir, name), NATS_URL: cluster.url, NATSTATE_REPLICAS: "3" },
      ["--daemons", "2", ...args],
      PATIENCE_MS,
    );
  // A cluster gives what is restored the date of its restoration.
  const a = await machine("a", ...STREAMS.flatMap((name) => ["--accept-stream", name]));
  await untilIdle(a);
  expect(await sizes(world), "nothing is said again").toEqual(stored);
  await world.publish(part(2));
  const b = await machine("b");
  await world.publish(part(3));
  await until(
    "all four share",
    async () => {
      const { daemons, unread } = await getJson(b, "/api/daemons");
      if (daemons === undefined) return false;
      const held = daemons.map(({ streams }: { streams: { holds: number[] }[] }) => streams[0]?.holds.length);
      return unread.length === 0 && held.length === 4 && held.every((count: number) => count === 4);
    },
    PATIENCE_MS,
  );
  await until("both are ready", async () => (await isReady(a)) && (await isReady(b)), PATIENCE_MS);
  await untilIdle(b);
  await world.check(b, messages);
  const env = { NATSTATE_DATA: join(dir, "a"), NATS_URL: cluster.url, NATSTATE_REPLICAS: "3" };
  const examine = async () => JSON.parse((await runCli(["doctor", "--json"], env)).stdout).findings;
  await until(
    "doctor finds no problem",
    async () => (await examine()).every(({ level }: { level: string }) => level !== "problem"),
    PATIENCE_MS,
  ).catch(async (error: Error) => {
    throw new Error(`${error.message}\n${JSON.stringify(await examine())}`);
  });
  const verified = await runCli(["verify", "--all"], env);
  expect(verified.code, verified.stdout + verified.stderr).toBe(0);
  expect(await Promise.all([a.stop(), b.stop()])).toEqual([0, 0]);
  expect(b.output()).not.toMatch(/accept-stream/);
}, 300_000);
