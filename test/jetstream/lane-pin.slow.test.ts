import { expect, it } from "vitest";
import { until } from "../until.ts";
import { publish, published, read, session, useLane } from "./lane-reading.ts";

useLane();

/** Longer than a pin lasts that nobody renews. */
const IDLE_MS = 6000;

/** Who has the pin of the lane, as the server says. */
async function pinOf(): Promise<string | undefined> {
  const info: object = await session.jsm.consumers.info("ORDERS", "orders-0");
  const { priority_groups } = info as { priority_groups?: { pinned_client_id?: string }[] };
  return priority_groups?.[0]?.pinned_client_id;
}

it("an owner keeps its pin while nothing happens", async () => {
  await using reading = read(published - 10);
  await until("caught up", () => reading.checkpoint === published);
  const pin = await pinOf();
  expect(pin).toMatch(/./);
  const endMs = performance.now() + IDLE_MS;
  await until("nothing has happened for long", async () => {
    expect(await pinOf()).toBe(pin);
    return performance.now() > endMs;
  });
  const startedMs = performance.now();
  await publish(1);
  await until("read on", () => reading.checkpoint === published);
  expect(performance.now() - startedMs).toBeLessThan(500);
  expect(reading.doubts).toEqual([]);
});
