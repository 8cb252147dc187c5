import { join } from "node:path";
import { expect, it } from "vitest";
import { until } from "../until.ts";
import type { DaemonProcess } from "./daemon-process.ts";
import { completeTo, partitions } from "./partitions.ts";
import { getJson, openWorld, traffic } from "./world.ts";

it("under load one joins, is told to end, comes again and is killed, each read along by the other: nothing is lost or doubled", async () => {
  await using world = await openWorld();
  const messages = traffic(600, 44);
  const quarter = Math.ceil(messages.length / 4);
  const part = (index: number) => world.publish(messages.slice(index * quarter, (index + 1) * quarter));
  const env = (name: string) => ({ NATSTATE_DATA: join(world.dataDir, name), NATSTATE_STANDBYS: "1" });
  const first = await world.start(env("first"));
  let published = part(0);
  const second = await world.start(env("second"));
  const share = async (other: DaemonProcess) => (await partitions(first)) === 8 && (await partitions(other)) === 8;
  await until("half each", () => share(second));
  await published;
  published = part(1);
  expect(await second.stop()).toBe(0);
  await until("the first has all", async () => (await partitions(first)) === 16);
  await published;
  published = part(2);
  const again = await world.start(env("second"));
  await until("half each again", () => share(again));
  await published;
  published = part(3);
  await again.kill9();
  await until("the first has taken over", async () => (await partitions(first)) === 16);
  await published;
  await world.settle(first);
  await world.check(first, messages);
}, 240_000);

it("who follows has the whole of a lane when its owner is killed, also of what aged out of the stream meanwhile", async () => {
  await using world = await openWorld();
  const messages = traffic(200, 45);
  const half = messages.length / 2;
  const env = (name: string) => ({ NATSTATE_DATA: join(world.dataDir, name), NATSTATE_STANDBYS: "1" });
  const first = await world.start(env("first"));
  const second = await world.start(env("second"));
  await until("half each", async () => (await partitions(first)) === 8 && (await partitions(second)) === 8);
  await world.publish(messages.slice(0, half));
  const { last_seq } = (await world.session.jsm.streams.info("ORDERS")).state;
  await until("all of it is applied by both", () =>
    ["first", "second"].every((name) => completeTo(join(world.dataDir, name), last_seq) === 16),
  );
  await world.session.jsm.streams.purge("ORDERS", { seq: last_seq + 1 });
  await second.kill9();
  await until("the first has taken over", async () => (await partitions(first)) === 16);
  await world.publish(messages.slice(half));
  await until("all is decided", async () => {
    const { checks } = await getJson(first, "/readyz");
    return checks.lag.detail.startsWith("0 ") && checks.publisher.detail.startsWith("0 ");
  });
  await world.check(first, messages);
  expect(first.output()).not.toMatch(/never read/);
}, 180_000);
