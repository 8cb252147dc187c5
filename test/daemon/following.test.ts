import { expect, it, onTestFinished } from "vitest";
import { followingOf } from "../../src/daemon/following.ts";
import { orderLane } from "../flow/delivery.ts";
import { until } from "../until.ts";

/** Follows a lane of which a copy is on its way until `arrive` is called. */
function openFollowing(owns: () => boolean = () => false) {
  const told: string[] = [];
  const copy = Promise.withResolvers<void>();
  const following = followingOf({
    connection: { session: {}, readings: {}, isConnected: () => true },
    copying: {
      bring: () => {
        told.push("asked for");
        return copy.promise.then(() => void told.push("brought"));
      },
    },
    streams: { topology: { manage: true } },
    own: { owns },
    path: {
      followed: {
        resume: () => told.push("resumed"),
        forget: () => told.push("forgotten"),
        dropQueued() {},
      },
      publishing: {
        learning: {
          follow() {
            told.push("learns");
            return Promise.reject(new Error("not now"));
          },
        },
      },
    },
    trouble: {
      ofFollowed(error: Error) {
        throw error;
      },
    },
    logger: { debug() {} },
  } as unknown as Parameters<typeof followingOf>[0]);
  const reader = following.follow(orderLane);
  onTestFinished(() => reader.release());
  return { following, reader, told, arrive: copy.resolve };
}

it("who is behind in a lane catches up when a copy of it is there, not while it is on its way", async () => {
  const { told, arrive } = openFollowing();
  await until("it is asked for", () => told.length > 0);
  arrive();
  await until("it goes on", () => told.includes("learns"));
  expect(told.slice(0, 4)).toEqual(["asked for", "brought", "resumed", "learns"]);
});

it("a lane that is followed no more when its copy is there is left to its owner", async () => {
  const { following, reader, told, arrive } = openFollowing();
  await until("it is asked for", () => told.length > 0);
  await reader.release();
  following.onUnfollowed(orderLane);
  arrive();
  await until("the copy is there", () => told.includes("learns"));
  expect(told).toEqual(["asked for", "forgotten", "brought", "learns"]);
});

it("a lane that is being made ready as ours is not copied by who followed it until now", async () => {
  let looks = 0;
  const { told } = openFollowing(() => ++looks > 0);
  await until("it was tried again", () => looks > 1);
  expect(told).toEqual([]);
});
