import { expect, it } from "vitest";
import { orderType } from "../../machines/order/order.ts";
import type { ActorType } from "../../src/actor/actor-type.ts";
import type { Difference } from "../../src/care/diff.ts";
import { startScrub } from "../../src/care/scrub.ts";
import type { Delivery } from "../../src/flow/delivery.ts";
import type { Session } from "../../src/jetstream/session.ts";
import { createTestClock } from "../clock.ts";
import { orderLane } from "../flow/delivery.ts";
import { orderEvent } from "../flow/order-events.ts";
import { openStation } from "../flow/station.ts";
import { until } from "../until.ts";

const EVENTS = 5000;

/** A stream that answers at once. @param subjects - that its messages are asked for by. */
function streamOf(deliveries: readonly Delivery[], subjects = new Set<string>()): Pick<Session, "jsm"> {
  const streams = {
    async getMessage(stream: string, { seq: from, next_by_subj: asked }: { seq: number; next_by_subj: string }) {
      subjects.add(asked);
      const isAsked = ({ sequence, subject }: Delivery) =>
        sequence >= from && (subject === asked || asked.endsWith(".*"));
      const found = stream === "ORDERS" ? deliveries.find(isAsked) : undefined;
      if (found === undefined) return null;
      const { sequence: seq } = found;
      // In the middle of a millisecond, as nanoseconds nearly always are.
      const timestamp = new Date(found.storedAtMs).toISOString().replace("Z", "500000Z");
      return { seq, subject: found.subject, data: found.body, header: undefined, timestamp };
    },
    info: async (name: string) => ({
      config: { name, subjects: [] },
      created: "2026-01-01T00:00:00Z",
      state: {
        ...{ first_seq: 1, last_seq: deliveries.length, messages: deliveries.length },
        subjects: Object.fromEntries(
          [...Map.groupBy(deliveries, ({ subject }) => subject)].map(([subject, { length }]) => [subject, length]),
        ),
      },
    }),
  };
  return { jsm: { streams } as unknown as Session["jsm"] };
}

it.each([
  ["under a raised version is no drift", { version: orderType.version + 1 }, false],
  ["under the same version is drift", {}, true],
])("an order that other rules see otherwise %s", async (_, raised, isDrift) => {
  using station = openStation();
  const deliveries = [orderEvent(1, "o", "PaymentProcessed", { second: 1, amount: 1 })];
  station.processor.apply(deliveries);
  const type = { ...orderType, ...raised, completeness: () => 77 } as unknown as ActorType;
  const checked: (readonly Difference[])[] = [];
  const clock = createTestClock();
  const end = startScrub({
    ...{ log: streamOf(deliveries), storeFile: station.file, types: [type], maxBytes: 65_536, intervalMs: 1000, clock },
    laneOf: () => ({ ...orderLane, type }),
    onChecked: (_, __, differences) => void checked.push(differences),
    onProved: () => {},
    onTrouble: (error) => expect.fail(error.message),
  });
  await clock.pass(1000);
  await until("it has looked at it", () => checked.length > 0, 25_000);
  end();
  expect(checked[0]?.map(({ what }) => what)).toEqual(isDrift ? ["completeness"] : []);
});

it("an order with a long history is looked at bit by bit, and then it rests for 99 times as long as that took", async () => {
  using station = openStation();
  const types = ["PaymentProcessed", "InventoryReserved", "ShippingCalculated"] as const;
  const deliveries = Array.from({ length: EVENTS }, (_, index) =>
    orderEvent(index + 1, "long", types[index % 3] ?? "PaymentProcessed", {
      second: index,
      amount: index,
      estimatedDays: index % 9,
    }),
  );
  for (let from = 0; from < EVENTS; from += 500) station.processor.apply(deliveries.slice(from, from + 500));
  const checked: (readonly Difference[])[] = [];
  const proved: (readonly string[])[] = [];
  const clock = createTestClock();
  const troubles: Error[] = [];
  const subjects = new Set<string>();
  let longestMs = 0;
  let last = process.threadCpuUsage();
  const watch = () => {
    const { user, system } = process.threadCpuUsage(last);
    longestMs = Math.max(longestMs, (user + system) / 1000);
    last = process.threadCpuUsage();
    if (proved.length === 0) setImmediate(watch);
  };
  setImmediate(watch);
  const end = startScrub({
    log: streamOf(deliveries, subjects),
    storeFile: station.file,
    types: [orderType as ActorType],
    maxBytes: 65_536,
    intervalMs: 1000,
    laneOf: () => orderLane,
    onChecked: (_, __, differences) => void checked.push(differences),
    onProved: (_, __, names) => void proved.push(names),
    onTrouble: (error) => void troubles.push(error),
    clock,
  });
  await clock.pass(1000);
  await until("it has looked at it", () => clock.waiting() > 0, 25_000);
  await clock.pass(5000);
  expect(clock.waiting()).toBe(1);
  end();
  expect(troubles).toEqual([]);
  expect([checked, proved]).toEqual([[[]], [[]]]);
  // By a wildcard, nothing could be stored while the server looks through all it has.
  expect([...subjects].filter((subject) => subject.includes("*"))).toEqual([]);
  // In one go it would be 400 ms at least.
  expect(longestMs).toBeLessThan(150);
}, 90_000);
