import Database from "better-sqlite3";
import { expect, it } from "vitest";
import { openWorld, traffic } from "./world.ts";

/** Seeded pauses, so that each kill strikes at another moment of the load. */
function* moments(seed: number): Generator<number> {
  for (let state = seed; ; ) {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
    yield 20 + (state % 250);
  }
}

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

it("the daemon killed again and again under load: nothing lost, nothing doubled", async () => {
  await using world = await openWorld();
  const messages = traffic(600, 11);
  let daemon = await world.start();
  const published = world.publish(messages);
  const next = moments(1);
  for (let kill = 0; kill < 4; kill++) {
    await pause(next.next().value ?? 0);
    await daemon.kill9();
    daemon = await world.start();
  }
  await published;
  await world.settle(daemon);
  await world.check(daemon, messages);
}, 180_000);

it("SIGTERM in mid-load ends with 0 within 10 s, and the next start goes on", async () => {
  await using world = await openWorld();
  const messages = traffic(400, 15);
  let daemon = await world.start();
  const published = world.publish(messages);
  await pause(200);
  const startedMs = performance.now();
  expect(await daemon.stop()).toBe(0);
  expect(performance.now() - startedMs).toBeLessThan(10_000);
  const pending = new Database(world.storeFile, { readonly: true })
    .prepare("SELECT count(*) FROM decisions WHERE published IS NULL")
    .pluck()
    .get();
  expect(pending).toBe(0);
  await published;
  daemon = await world.start();
  await world.settle(daemon);
  await world.check(daemon, messages);
}, 180_000);
