import { nanos } from "@nats-io/transport-node";
import { expect, it } from "vitest";
import { openChecker } from "../faults/checker.ts";
import { until } from "../until.ts";
import { openClusterWorld, PATIENCE_MS } from "./cluster-world.ts";
import type { DaemonProcess } from "./daemon-process.ts";
import { getJson, traffic } from "./world.ts";

async function partitions(daemon: DaemonProcess): Promise<number> {
  const { checks } = await getJson(daemon, "/readyz");
  return Number(/^(\d+) of/.exec(checks.partitions.detail)?.[1]);
}

const untilAllOwned = (daemon: DaemonProcess) =>
  until("it has all partitions", async () => (await partitions(daemon)) === 16, PATIENCE_MS);

it("the node that leads DECISIONS is killed under traffic: nothing lost, nothing doubled, nothing wrong", async () => {
  await using world = await openClusterWorld();
  const { cluster, session } = world;
  const first = await world.start("first");
  const second = await world.start("second");
  const messages = traffic(300, 61);
  const third = messages.length / 3;
  await world.publish(messages.slice(0, third));
  const published = world.publish(messages.slice(third, 2 * third));
  const leader = await cluster.leaderOf(session, "DECISIONS");
  await leader.kill9();
  await published;
  await world.publish(messages.slice(2 * third));
  leader.start();
  await world.settle(first, second);
  expect(await first.stop()).toBe(0);
  // The other one answers for all of them then.
  await untilAllOwned(second);
  await world.settle(second);
  const checker = await openChecker(cluster.nodes[0].url);
  const { lost, doubled, wrong, events } = await checker.check(second.httpUrl);
  await checker.close();
  expect({ lost, doubled, wrong }).toEqual({ lost: [], doubled: [], wrong: [] });
  expect(events).toBeGreaterThanOrEqual(messages.length);
});

it("empty daemons that join while a replaced node catches up tell nothing twice", async () => {
  await using world = await openClusterWorld();
  const { cluster, session } = world;
  const owner = await world.start("owner");
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
  const daemons = await Promise.all(["a", "b", "c", "d"].map((name) => world.start(name)));
  speedUp();
  await world.settle(owner, ...daemons);
  // Whatever its former owner has published of a partition, the next one must know.
  expect(await owner.stop()).toBe(0);
  await world.settle(...daemons);
  expect(await sizes()).toEqual(before);
});
