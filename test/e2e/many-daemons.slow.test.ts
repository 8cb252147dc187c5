import { join } from "node:path";
import { nanos } from "@nats-io/transport-node";
import { expect, it } from "vitest";
import { until } from "../until.ts";
import type { DaemonProcess } from "./daemon-process.ts";
import { completeTo, partitions } from "./partitions.ts";
import { getJson, openWorld, traffic } from "./world.ts";

/** Lag is measured every 5 s: not to be asked before the first events are stored. */
async function haveApplied(...daemons: DaemonProcess[]): Promise<boolean> {
  const health = await Promise.all(daemons.map((daemon) => getJson(daemon, "/readyz")));
  return health.every(({ ready, checks }) => ready && checks.lag.detail.startsWith("0 "));
}

it("an owner frozen longer than its pin, then thawed, doubles nothing", async () => {
  await using world = await openWorld();
  const messages = traffic(300, 42, { malformed: 60 });
  const half = messages.length / 2;
  const first = await world.start({ NATSTATE_DATA: join(world.dataDir, "first") });
  // Shorter than the owner is frozen: by then the stream has forgotten the ids of what the other one has published.
  await world.session.jsm.streams.update("DEAD_LETTERS", { duplicate_window: nanos(3000) });
  const published = world.publish(messages.slice(0, half));
  first.signal("SIGSTOP");
  const frozenAtMs = Date.now();
  await published;
  const second = await world.start({ NATSTATE_DATA: join(world.dataDir, "second") });
  await until("the second has everything", async () => (await partitions(second)) === 16, 20_000);
  await world.settle(second);
  // Not taken for a short hiccup, and nothing of the other one's remembered.
  const settledAtMs = Date.now();
  await until("long enough", () => Date.now() > Math.max(frozenAtMs + 12_000, settledAtMs + 3500), 20_000);
  first.signal("SIGCONT");
  await world.publish(messages.slice(half));
  await until("both share again", async () => (await partitions(first)) === 8 && (await partitions(second)) === 8);
  await first.stop();
  await until("the second has all again", async () => (await partitions(second)) === 16, 20_000);
  await world.settle(second);
  await world.check(second, messages);
}, 180_000);

it("what a daemon never read and the stream no longer has it does not take over; it goes on with its own", async () => {
  await using world = await openWorld();
  const messages = traffic(200, 43);
  const half = messages.length / 2;
  const first = await world.start({ NATSTATE_DATA: join(world.dataDir, "first") });
  const second = await world.start({ NATSTATE_DATA: join(world.dataDir, "second") });
  const share = async () => (await partitions(first)) === 8 && (await partitions(second)) === 8;
  await until("half each", share);
  await world.publish(messages.slice(0, half));
  await until("all of it is decided and noted", async () => {
    const lags = await Promise.all(
      [first, second].map(async (daemon) => (await getJson(daemon, "/readyz")).checks.lag),
    );
    return lags.every(({ detail }) => detail.startsWith("0 "));
  });
  const { last_seq } = (await world.session.jsm.streams.info("ORDERS")).state;
  await until("each has noted that nothing of its own is unread", () =>
    ["first", "second"].every((name) => completeTo(join(world.dataDir, name), last_seq) === 8),
  );
  // As the stream's max age would.
  await world.session.jsm.streams.purge("ORDERS", { seq: last_seq - 5 });
  await second.kill9();
  await until("it refuses", () => /were never read .*--accept-stream ORDERS/.test(first.output()));
  await world.publish(messages.slice(half));
  const end = (await world.session.jsm.streams.info("ORDERS")).state.last_seq;
  await until("it has read the rest of its own", () => completeTo(join(world.dataDir, "first"), end) === 8);
  const { ready, checks } = await getJson(first, "/readyz");
  expect(ready).toBe(false);
  expect(checks.partitions.detail).toMatch(/^8 of 16 /);
  expect(first.output().match(/partitions cannot be read yet/g)).toHaveLength(1);
  const again = await world.start({ NATSTATE_DATA: join(world.dataDir, "second") });
  await until("both share again", async () => (await partitions(first)) === 8 && (await partitions(again)) === 8);
  await until("all of the rest is applied", () => haveApplied(first, again));
}, 180_000);
