import { expect, it } from "vitest";
import { consumerName } from "../../src/wire/names.ts";
import { until } from "../until.ts";
import { lane, publish, published, range, read, session, useLane } from "./lane-reading.ts";

useLane();

it("who follows reads all from its checkpoint in order; its owner keeps the pin, and every message comes to both", async () => {
  await using owner = read(0);
  await until("the owner has read", () => owner.checkpoint === published);
  await using follower = read(4, () => true, session, { isFollowing: true });
  await until("it has caught up", () => follower.checkpoint === published);
  await publish(10);
  await until("both read on", () => owner.checkpoint === published && follower.checkpoint === published);
  expect(owner.sequences).toEqual(range(1, published));
  expect(follower.sequences).toEqual(range(5, published));
  expect([owner.doubts, follower.doubts]).toEqual([[], []]);
  const { num_ack_pending } = await session.jsm.consumers.info(lane.stream, consumerName(lane.type, lane.partition));
  expect(num_ack_pending, "what is applied by one that follows is not acknowledged for its owner").toBe(0);
});

it("a follower whose consumer is gone begins anew where it is", async () => {
  const from = published - 10;
  await using follower = read(from, () => true, session, { isFollowing: true });
  await until("it has caught up", () => follower.checkpoint === published);
  const consumers = await session.jsm.consumers.list(lane.stream).next();
  // That of the test before stays for a while.
  const ours = consumers
    .filter(({ name }) => name.startsWith("follow-"))
    .sort((a, b) => (a.created < b.created ? -1 : 1));
  const { name = "" } = ours.at(-1) ?? {};
  await session.jsm.consumers.delete(lane.stream, name);
  await until("it has noticed", () => follower.doubts.includes("consumer_lost"));
  await publish(3);
  await until("it reads on", () => follower.checkpoint === published);
  expect(follower.sequences).toEqual(range(from + 1, published));
});
