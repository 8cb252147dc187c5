import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { headers, nanos } from "@nats-io/transport-node";
import { expect, it } from "vitest";
import type { TrafficMessage } from "../../machines/actor-type.ts";
import { openSession, type Session } from "../../src/jetstream/session.ts";
import { startTestCluster, type TestCluster } from "../cluster.ts";
import { openChecker } from "../faults/checker.ts";
import { until } from "../until.ts";
import { type DaemonProcess, startDaemonProcess } from "./daemon-process.ts";
import { getJson, traffic } from "./world.ts";

const PATIENCE_MS = 90_000;

/** Daemons on a cluster of three, and a client of it. */
interface ClusterWorld extends AsyncDisposable {
  readonly cluster: TestCluster;
  readonly session: Session;
  /** A daemon with the data directory of this name, empty when the name is new. */
  start(name: string): Promise<DaemonProcess>;
  /** Each until it is acknowledged, whatever happens meanwhile. */
  publish(messages: readonly Pick<TrafficMessage, "subject" | "body" | "headers">[]): Promise<void>;
  streamSize(stream: string): Promise<number>;
  /** Resolves when everything stored is applied and everything decided is published. */
  settle(...daemons: DaemonProcess[]): Promise<void>;
}

async function openClusterWorld(): Promise<ClusterWorld> {
  const cluster = await startTestCluster();
  const session = await openSession({ url: cluster.url, name: "test" }, () => {});
  const scratch = mkdtempSync(join(tmpdir(), "natstate-cluster-e2e-"));
  const running = new Set<DaemonProcess>();

  async function publishOne({
    subject,
    body,
    headers: given = {},
  }: Pick<TrafficMessage, "subject" | "body" | "headers">) {
    const header = headers();
    for (const [name, value] of Object.entries(given)) header.set(name, value);
    const send = () => session.js.publish(subject, body, { headers: header, timeout: 2000 });
    await until("a message is stored", () => send().catch(() => false), PATIENCE_MS);
  }

  async function isSettled(daemons: readonly DaemonProcess[]): Promise<boolean> {
    for await (const { name, num_pending, num_ack_pending } of session.jsm.consumers.list("ORDERS")) {
      if (/^orders-\d+$/.test(name) && num_pending + num_ack_pending > 0) return false;
    }
    const health = await Promise.all(daemons.map((daemon) => getJson(daemon, "/readyz")));
    return health.every(({ ready, checks }) => ready && checks.publisher.detail.startsWith("0 "));
  }

  return {
    cluster,
    session,
    async start(name) {
      const env = { NATS_URL: cluster.url, NATSTATE_DATA: join(scratch, name), NATSTATE_REPLICAS: "3" };
      const daemon = await startDaemonProcess(env, [], PATIENCE_MS);
      running.add(daemon);
      void daemon.exited.then(() => running.delete(daemon));
      return daemon;
    },
    async publish(messages) {
      const queue = messages.values();
      const publisher = async () => {
        for (const message of queue) await publishOne(message);
      };
      await Promise.all(Array.from({ length: 50 }, publisher));
    },
    streamSize: async (stream) => (await session.jsm.streams.info(stream)).state.messages,
    async settle(...daemons) {
      await cluster.settle(session);
      const settled = () => isSettled(daemons).catch(() => false);
      // A lane that begins anew may look, for a moment, like one that is done.
      const twice = async () => {
        if (!(await settled())) return false;
        await new Promise((resolve) => setTimeout(resolve, 500));
        return settled();
      };
      await until("settled", twice, PATIENCE_MS).catch((error: Error) => {
        throw new Error([error.message, ...daemons.map((daemon) => daemon.output().slice(-3000))].join("\n"));
      });
    },
    async [Symbol.asyncDispose]() {
      for (const daemon of running) await daemon.kill9();
      await session.close();
      await cluster.stop();
      rmSync(scratch, { recursive: true, force: true });
    },
  };
}

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
