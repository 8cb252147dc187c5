import { copyFileSync, rmSync } from "node:fs";
import { expect, it } from "vitest";
import { until } from "../until.ts";
import { getJson, openWorld, traffic } from "./world.ts";

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

it("nats-server killed and started again under load: nothing lost, nothing doubled", async () => {
  await using world = await openWorld();
  const messages = traffic(600, 12);
  const daemon = await world.start();
  const published = world.publish(messages);
  for (let kill = 0; kill < 3; kill++) {
    await pause(150);
    await world.server.kill9();
    await pause(100);
    await world.server.restart();
  }
  await published;
  await world.settle(daemon);
  await world.check(daemon, messages);
  expect(await daemon.stop()).toBe(0);
}, 180_000);

it("the store deleted, or replaced by an older copy: the same orders and not one message more", async () => {
  await using world = await openWorld();
  const first = traffic(150, 13);
  const second = traffic(150, 14, { idPrefix: "second-" });
  const messages = [...first, ...second];
  let daemon = await world.start();
  await world.publish(first);
  await world.settle(daemon);
  await daemon.stop();
  copyFileSync(world.storeFile, `${world.storeFile}.copy`);
  daemon = await world.start();
  await world.publish(second);
  await world.settle(daemon);
  await world.check(daemon, messages);
  const decisions = await world.streamSize("DECISIONS");
  const deadLetters = await world.streamSize("DEAD_LETTERS");
  const ids = [...new Set(messages.flatMap((message) => message.actorId ?? []))].sort();
  /** Each once nothing of it is behind: every decision noted as published, everything stored known to be applied. */
  const order = (id: string) =>
    until(`all of ${id} is told`, async () => {
      const told = await getJson(daemon, `/api/orders/${id}/history`);
      return !told.catchingUp && told.decisions.every(({ published }: { published: boolean }) => published) && told;
    });
  const orders = async () => {
    const told = new Map<string, unknown>();
    for (const id of ids) told.set(id, await order(id));
    return told;
  };
  const before = await orders();

  for (const restore of [() => {}, () => copyFileSync(`${world.storeFile}.copy`, world.storeFile)]) {
    await daemon.kill9();
    for (const suffix of ["", "-wal", "-shm"]) rmSync(`${world.storeFile}${suffix}`, { force: true });
    restore();
    daemon = await world.start();
    await world.settle(daemon);
    await world.check(daemon, messages);
    expect(await world.streamSize("DECISIONS")).toBe(decisions);
    expect(await world.streamSize("DEAD_LETTERS")).toBe(deadLetters);
    const after = await orders();
    for (const id of ids) expect(after.get(id), id).toEqual(before.get(id));
  }
}, 180_000);
