import { join } from "node:path";
import { expect, it } from "vitest";
import { until } from "../until.ts";
import type { DaemonProcess } from "./daemon-process.ts";
import { getJson, openWorld, traffic } from "./world.ts";

async function partitions(daemon: DaemonProcess): Promise<number> {
  const { checks } = await getJson(daemon, "/readyz");
  return Number(/^(\d+) of/.exec(checks.partitions.detail)?.[1]);
}

it("two daemons share the partitions; when one is killed the other goes on where the log says", async () => {
  await using world = await openWorld();
  const messages = traffic(400, 41);
  const half = messages.length / 2;
  const first = await world.start({ NATSTATE_DATA: join(world.dataDir, "first") });
  expect(await partitions(first)).toBe(16);
  const published = world.publish(messages.slice(0, half));
  const second = await world.start({ NATSTATE_DATA: join(world.dataDir, "second") });
  await until("half each", async () => (await partitions(first)) === 8 && (await partitions(second)) === 8);
  await published;
  await first.kill9();
  await world.publish(messages.slice(half));
  await until("the other has taken over", async () => (await partitions(second)) === 16, 10_000);
  await world.settle(second);
  await world.check(second, messages);
}, 60_000);

it("an owner frozen longer than its pin, then thawed, doubles nothing", async () => {
  await using world = await openWorld();
  const messages = traffic(300, 42);
  const half = messages.length / 2;
  const first = await world.start({ NATSTATE_DATA: join(world.dataDir, "first") });
  const published = world.publish(messages.slice(0, half));
  first.signal("SIGSTOP");
  await published;
  const second = await world.start({ NATSTATE_DATA: join(world.dataDir, "second") });
  await until("the second has everything", async () => (await partitions(second)) === 16, 20_000);
  await world.settle(second);
  first.signal("SIGCONT");
  await world.publish(messages.slice(half));
  await until("both share again", async () => (await partitions(first)) === 8 && (await partitions(second)) === 8);
  await first.stop();
  await until("the second has all again", async () => (await partitions(second)) === 16, 20_000);
  await world.settle(second);
  await world.check(second, messages);
}, 60_000);
