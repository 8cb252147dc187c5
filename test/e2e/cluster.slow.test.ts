import { join } from "node:path";
import { nanos } from "@nats-io/transport-node";
import { expect, it } from "vitest";
import { type ClusterWorld, openClusterWorld, PATIENCE_MS } from "../faults/cluster-world.ts";
import { until } from "../until.ts";

import { runCli } from "./cli-run.ts";
import type { DaemonProcess } from "./daemon-process.ts";
import { partitions } from "./partitions.ts";
import { traffic } from "./world.ts";

/** What doctor says of replicas that are not well; undefined while it says that they are. */
async function examined({ cluster, dataDir }: ClusterWorld) {
  const env = { NATS_URL: cluster.url, NATSTATE_REPLICAS: "3", NATSTATE_DATA: join(dataDir, "first") };
  const { stdout } = await runCli(["doctor", "--json"], env);
  const { findings } = JSON.parse(stdout) as {
    findings: { check: string; level: string; detail: string; advice: string }[];
  };
  return findings.find(({ check, level }) => check === "replicas" && level !== "ok");
}

const untilAllOwned = (daemon: DaemonProcess) =>
  until("it has all partitions", async () => (await partitions(daemon)) === 16, PATIENCE_MS);

it("the node that leads DECISIONS is killed under traffic: nothing lost, nothing doubled, nothing wrong", async () => {
  await using world = await openClusterWorld();
  const { cluster, session } = world;
  const start = (name: string) => world.start({ dataDir: join(world.dataDir, name) });
  const first = await start("first");
  const second = await start("second");
  const messages = traffic(300, 61);
  const third = messages.length / 3;
  await world.publish(messages.slice(0, third));
  const published = world.publish(messages.slice(third, 2 * third));
  const leader = await cluster.leaderOf(session, "DECISIONS");
  await leader.kill9();
  await published;
  await world.publish(messages.slice(2 * third));
  const doctor = await until(
    "doctor names who is away",
    // Until the others have missed it, it is behind; and so may be one of them for a moment.
    async () => {
      const found = await examined(world);
      return found?.detail.includes("is away") && found.detail.includes("2 of 3 are left") && found;
    },
    PATIENCE_MS,
  );
  expect(doctor).toMatchObject({ level: "warning", detail: expect.stringContaining(`${leader.name} is away: `) });
  expect(doctor.advice).toMatch(new RegExp(`^start ${leader.name}`));
  leader.start();
  await Promise.all([world.settle(first), world.settle(second)]);
  expect(await first.stop()).toBe(0);
  // The other one answers for all of them then.
  await untilAllOwned(second);
  await world.settle(second);
  const { lost, doubled, wrong, events } = await world.checker.check(second.httpUrl);
  expect({ lost, doubled, wrong }).toEqual({ lost: [], doubled: [], wrong: [] });
  expect(events).toBeGreaterThanOrEqual(messages.length);
});

it("empty daemons that join while a replaced node catches up tell nothing twice", async () => {
  await using world = await openClusterWorld();
  const { cluster, session } = world;
  const start = (name: string) => world.start({ dataDir: join(world.dataDir, name) });
  const owner = await start("owner");
  // Unreadable, and large, so that the new node has something to catch up with.
  const bad = Array.from({ length: 400 }, (_, index) => ({
    subject: `orders.bad-${index}.PaymentProcessed`,
    body: `{"orderId":"bad-${index}","broken":"${"x".repeat(50_000)}`,
  }));
  const messages = [...bad, ...traffic(100, 62, { malformed: 0 })];
  await world.publish(messages);
  await world.settle(owner);
  // Shorter than what follows: by then the streams have forgotten the ids of what has been published.
  for (const stream of ["DECISIONS", "DEAD_LETTERS"]) {
    await session.jsm.streams.update(stream, { duplicate_window: nanos(1000) });
  }
  const sizes = async () => ({
    decisions: await world.streamSize("DECISIONS"),
    deadLetters: await world.streamSize("DEAD_LETTERS"),
  });
  const before = await sizes();
  // Who publishes once more after a timeout may have stored one twice.
  expect(before.deadLetters).toBeGreaterThanOrEqual(bad.length);
  const [, , replaced] = cluster.nodes;
  for (const stream of ["ORDERS", "DECISIONS", "DEAD_LETTERS"]) await cluster.moveLeaderFrom(replaced, session, stream);
  await replaced.kill9();
  await replaced.wipe();
  await until("JetStream answers", () => sizes().catch(() => false), PATIENCE_MS);
  replaced.start();
  const speedUp = replaced.slowDown();
  const daemons = await Promise.all(["a", "b", "c", "d"].map(start));
  speedUp();
  await Promise.all([owner, ...daemons].map((daemon) => world.settle(daemon)));
  // Whatever its former owner has published of a partition, the next one must know.
  expect(await owner.stop()).toBe(0);
  await Promise.all(daemons.map((daemon) => world.settle(daemon)));
  expect(await sizes()).toEqual(before);
});
