import { expect, it } from "vitest";
import { orderType } from "../../machines/order/order.ts";
import type { ActorType } from "../../src/actor/actor-type.ts";
import type { LaneReader } from "../../src/jetstream/lane-reader.ts";
import type { Member } from "../../src/jetstream/membership.ts";
import { createOwnLanes } from "../../src/jetstream/own-lanes.ts";
import { createOwnership } from "../../src/jetstream/ownership.ts";
import { lanesOf } from "../../src/wire/lanes.ts";
import { createTestClock } from "../clock.ts";

const lanes = lanesOf(orderType as ActorType, 16);
const us: Member = { id: "a", instance: "a" };
const other: Member = { id: "b", instance: "b" };

/** After which `createOwnership` tries again. */
const RETRY_MS = 1000;

function open(prepare: () => Promise<void>) {
  const troubles: boolean[] = [];
  const own = createOwnLanes();
  const clock = createTestClock();
  const ownership = createOwnership({
    lanes,
    own,
    prepare,
    open: (lane): LaneReader => ({
      lane,
      isReading: () => true,
      audit() {},
      isCaughtUp: () => true,
      trouble: () => undefined,
      doubt() {},
      release: () => Promise.resolve(),
    }),
    onMoved() {},
    onReleased() {},
    onTrouble(_error, readsOthers) {
      troubles.push(readsOthers);
      return "retry";
    },
    clock,
  });
  return { own, ownership, troubles, clock };
}

it.each([
  ["left", [us, other], [us], 16],
  ["came", [us], [us, other], 8],
])("what is tried again is tried for the members there are then: one %s", async (_what, before, after, share) => {
  let failures = 1;
  const { own, ownership, clock } = open(() =>
    failures-- > 0 ? Promise.reject(new Error("not now")) : Promise.resolve(),
  );
  await ownership.rebalance(before, us.id);
  await ownership.rebalance(after, us.id);
  await clock.pass(RETRY_MS);
  expect(ownership.reading()).toHaveLength(share);
  expect(own.assigned()).toHaveLength(share);
  await ownership.releaseAll();
});

it("trouble with what it would take over is told apart from trouble with everything", async () => {
  let fails = true;
  const { ownership, troubles, clock } = open(() => (fails ? Promise.reject(new Error("no")) : Promise.resolve()));
  await ownership.rebalance([us, other], us.id);
  fails = false;
  await clock.pass(RETRY_MS);
  expect(ownership.reading()).toHaveLength(8);
  fails = true;
  await ownership.rebalance([us], us.id);
  expect(troubles).toEqual([false, true]);
  expect(ownership.reading()).toHaveLength(8);
  await ownership.releaseAll();
});
