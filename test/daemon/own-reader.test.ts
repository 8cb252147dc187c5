import { expect, it, onTestFinished } from "vitest";
import { openOwnReader } from "../../src/daemon/own-reader.ts";
import { orderLane } from "../flow/delivery.ts";
import { until } from "../until.ts";

/** Begins to read a lane that has just been made ready. @returns what of it is learnt, and held against what is known. */
function open(isConnected: () => boolean) {
  const told: string[] = [];
  const reader = openOwnReader(
    {
      connection: { session: {}, readings: {}, isConnected },
      path: {
        publishing: {
          learning: {
            refuseOlder: () => told.push("known"),
            again: async () => void told.push("learnt"),
          },
        },
        dropQueued() {},
      },
      streams: { topology: { manage: true } },
      observers: { observer: { doubted() {} } },
    } as unknown as Parameters<typeof openOwnReader>[0],
    orderLane,
    () => {},
  );
  onTestFinished(() => reader.release());
  return told;
}

it("what is published of a lane is learnt once when it is taken, and anew each time that its reading begins again", async () => {
  const told = open(() => true);
  // Nothing can be read here.
  await until("it has begun three times", () => told.length >= 3);
  expect(told.slice(0, 3)).toEqual(["known", "learnt", "learnt"]);
});

it("a lane that could not be read when it was taken, as NATS was away, is learnt again: another one may have had it", async () => {
  let attempts = 0;
  const told = open(() => ++attempts > 1);
  await until("it has begun", () => told.length > 0);
  expect(told[0]).toBe("learnt");
});
