import fc from "fast-check";
import { expect, it } from "vitest";
import type { ActorType } from "../../machines/actor-type.ts";
import { orderType } from "../../machines/order/order.ts";
import { assignLanes } from "../../src/jetstream/membership.ts";

const lanes = Array.from({ length: 16 }, (_, partition) => ({
  type: orderType as ActorType,
  stream: "ORDERS",
  partition,
}));
const members = fc.uniqueArray(fc.string({ minLength: 1 }), { minLength: 1, maxLength: 20 });

it("every lane has one owner and nobody more than the fair share, whoever asks", () => {
  fc.assert(
    fc.property(members, (ids) => {
      const owners = assignLanes(lanes, ids);
      expect(owners.size).toBe(lanes.length);
      for (const id of ids) {
        const share = [...owners.values()].filter((owner) => owner === id).length;
        expect(share).toBeLessThanOrEqual(Math.ceil(lanes.length / ids.length));
      }
      expect([...assignLanes(lanes, ids)]).toEqual([...owners]);
    }),
  );
});

it("when one of two members leaves, the other keeps what it had", () => {
  const both = assignLanes(lanes, ["a", "b"]);
  const alone = assignLanes(lanes, ["b"]);
  for (const lane of lanes) if (both.get(lane) === "b") expect(alone.get(lane)).toBe("b");
});
