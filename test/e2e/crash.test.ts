import Database from "better-sqlite3";
import { expect, it } from "vitest";
import { openProxy } from "../faults/proxy.ts";
import { until } from "../until.ts";
import type { DaemonProcess } from "./daemon-process.ts";
import { getJson, openWorld, traffic, type World } from "./world.ts";

/** Seeded pauses, so that each kill strikes at another moment of the load. */
function* moments(seed: number): Generator<number> {
  for (let state = seed; ; ) {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
    yield 20 + (state % 250);
  }
}

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** One number of the store of a daemon that does not run. */
function ask({ storeFile }: World, question: string): number {
  const db = new Database(storeFile, { readonly: true });
  try {
    return db.prepare(question).pluck().get() as number;
  } finally {
    db.close();
  }
}

/** Ends the daemon in the middle of a load. @returns how much of ORDERS it has left undone. */
async function leftBy(world: World, end: () => Promise<unknown>): Promise<number> {
  await end();
  return (await world.streamSize("ORDERS")) - ask(world, "SELECT max(sequence) FROM checkpoints");
}

it("the daemon killed again and again under load: nothing lost, nothing doubled", async () => {
  await using world = await openWorld();
  const messages = traffic(450, 11);
  let daemon = await world.start();
  const next = moments(1);
  const left: number[] = [];
  for (let kill = 0; kill < 3; kill++) {
    const published = world.publish(messages.slice((kill * messages.length) / 3, ((kill + 1) * messages.length) / 3));
    await pause(next.next().value ?? 0);
    left.push(await leftBy(world, daemon.kill9));
    daemon = await world.start();
    await published;
  }
  expect(Math.max(...left), "a kill in the middle of the load").toBeGreaterThan(0);
  await world.settle(daemon);
  await world.check(daemon, messages);
}, 180_000);

it("SIGTERM in mid-load ends with 0 within 10 s with everything decided published, and the next start goes on", async () => {
  await using world = await openWorld();
  await using proxy = await openProxy(world.server.port);
  const messages = traffic(120, 15);
  let daemon = await world.start({ NATS_URL: proxy.url, NATSTATE_PUBLISH_IN_FLIGHT: "1" });
  // One at a time, 8 ms each: more is due than can get in by the way, and less than the 5 s it is given.
  proxy.delay(4);
  const published = world.publish(messages);
  await until("much is due", async () => Number.parseInt((await publisherOf(daemon)).detail, 10) >= 40);
  const startedMs = performance.now();
  expect(await daemon.stop()).toBe(0);
  expect(performance.now() - startedMs).toBeLessThan(10_000);
  expect(ask(world, "SELECT count(*) FROM decisions")).toBeGreaterThan(20);
  expect(ask(world, "SELECT count(*) FROM decisions WHERE published IS NULL")).toBe(0);
  await published;
  daemon = await world.start();
  await world.settle(daemon);
  await world.check(daemon, messages);
}, 180_000);

/** What `/readyz` says of what waits to be published. */
async function publisherOf(daemon: DaemonProcess): Promise<{ readonly detail: string }> {
  return (await getJson(daemon, "/readyz")).checks.publisher;
}
