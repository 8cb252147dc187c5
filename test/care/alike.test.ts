import { expect, it } from "vitest";
import { orderType } from "../../machines/order/order.ts";
import type { ActorType } from "../../src/actor/actor-type.ts";
import { type AlikeOptions, keepAlike } from "../../src/care/alike.ts";
import { release } from "../../src/care/release.ts";
import { tellAlike } from "../../src/flow/alike.ts";
import type { Delivery } from "../../src/flow/delivery.ts";
import { createTestClock, type TestClock } from "../clock.ts";
import { orderLane } from "../flow/delivery.ts";
import { orderEvent } from "../flow/order-events.ts";
import { openRetentionStation, RETAIN_MS, type RetentionStation } from "./retention-station.ts";

const ROUND_MS = 1000;

/** An owner and a copy of its lane; the copy's rule, and the owner's, fail until they are mended. */
function openPair() {
  const broken = { owner: true, copy: true };
  const lane = (who: keyof typeof broken) => ({
    ...orderLane,
    type: {
      ...(orderType as ActorType),
      conclude(actor: Parameters<typeof orderType.conclude>[0]) {
        if (broken[who]) throw new Error("not yet");
        return orderType.conclude(actor);
      },
    } as ActorType,
  });
  const [owner, copy] = [openRetentionStation(), openRetentionStation()];
  return {
    ...{ broken, owner, copy },
    lanes: { owner: lane("owner"), copy: lane("copy") },
    [Symbol.dispose]() {
      owner[Symbol.dispose]();
      copy[Symbol.dispose]();
    },
  };
}

const QUARANTINED = (station: RetentionStation) => station.db.prepare("SELECT actor_id FROM quarantine").pluck().all();

async function run(
  { owner, copy, lanes }: Pick<ReturnType<typeof openPair>, "owner" | "copy" | "lanes">,
  during: (clock: TestClock) => Promise<unknown>,
  options: Partial<AlikeOptions> = {},
): Promise<void> {
  const clock = createTestClock();
  const end = keepAlike({
    types: [lanes.copy.type],
    ...{ journal: copy.journal, rows: copy.rows, processor: copy.processor, retirement: copy.retirement },
    retainMs: RETAIN_MS,
    quarantined: (_lane, after) =>
      copy.db.prepare("SELECT actor_id FROM quarantine WHERE actor_id > ?").pluck().all(after) as string[],
    followed: () => [lanes.copy],
    ask: async (_lane, question) => tellAlike(owner, lanes.owner, question),
    onCommitted() {},
    onTrouble(error) {
      throw error;
    },
    ...{ clock, ...options },
  });
  try {
    await during(clock);
  } finally {
    end();
    end();
  }
}

/** Both facts of an order, and one that comes when it is quarantined. */
function events(lane: Delivery["lane"], id: string, first: number): Delivery[] {
  return [
    orderEvent(first, id, "PaymentProcessed", { second: 1, status: "failed", lane }),
    orderEvent(first + 1, id, "InventoryReserved", { second: 2, lane }),
    orderEvent(first + 2, id, "OrderCreated", { second: 3, lane }),
  ];
}

it("who is released with the owner is released in the copy, with the same decisions; who is not stays", async () => {
  using pair = openPair();
  const { owner, copy, lanes, broken } = pair;
  for (const who of ["owner", "copy"] as const) {
    pair[who].take(...events(lanes[who], "a", 1), ...events(lanes[who], "b", 4));
    expect(QUARANTINED(pair[who])).toEqual(["a", "b"]);
  }
  Object.assign(broken, { owner: false, copy: false });
  await run(pair, async ({ pass }) => {
    await pass(3 * ROUND_MS);
    expect(QUARANTINED(copy), "nobody has released them").toEqual(["a", "b"]);
    release(owner.journal, owner.processor, lanes.owner, "a");
    await pass(ROUND_MS);
    expect(QUARANTINED(copy)).toEqual(["b"]);
  });
  expect(copy.decisions("a")).toHaveLength(1);
  expect(copy.decisions("a")).toEqual(owner.decisions("a"));
  expect(copy.tallies()).toEqual(owner.tallies());
});

it("an owner that is behind the copy has released nobody; one that fails in the copy all the same is tried each minute", async () => {
  using pair = openPair();
  const { owner, copy, lanes, broken } = pair;
  copy.take(...events(lanes.copy, "a", 1));
  Object.assign(broken, { owner: false, copy: false });
  await run(pair, async ({ pass }) => {
    await pass(3 * ROUND_MS);
    expect(QUARANTINED(copy), "the owner has not heard of it").toEqual(["a"]);
    owner.take(...events(lanes.owner, "a", 1));
    broken.copy = true;
    await pass(3 * ROUND_MS);
    broken.copy = false;
    await pass(50_000);
    expect(QUARANTINED(copy)).toEqual(["a"]);
    await pass(10_000);
    expect(QUARANTINED(copy)).toEqual([]);
  });
});

it("who is retired with the owner is retired in the copy, unless more was heard there", async () => {
  using pair = openPair();
  const { owner, copy, lanes, broken } = pair;
  Object.assign(broken, { owner: false, copy: false });
  for (const who of ["owner", "copy"] as const) {
    pair[who].take(...events(lanes[who], "a", 1), ...events(lanes[who], "b", 4), ...events(lanes[who], "c", 7));
    if (who === "copy") copy.take(orderEvent(10, "b", "LoyaltyPointsUpdated", { second: 4, lane: lanes.copy }));
    pair[who].passTime();
  }
  await run(pair, async ({ pass }) => {
    await pass(3 * ROUND_MS);
    expect(copy.count("retired"), "the owner keeps them").toBe(0);
    expect(owner.retire([lanes.owner])).toBe(3);
    await pass(3 * ROUND_MS);
  });
  const rows = (station: RetentionStation) =>
    ["a", "c"].map((id) => {
      const { retiredAtMs, sequence, ...row } = station.rows.find("order", id) ?? {};
      return row;
    });
  expect(rows(copy)).toEqual(rows(owner));
  expect(copy.rows.find("order", "b")).toBeUndefined();
});
