import fc from "fast-check";
import { expect, it } from "vitest";
import { orderType } from "../../machines/order/order.ts";
import type { ActorType } from "../../src/actor/actor-type.ts";
import { assignLanes, type Member } from "../../src/jetstream/membership.ts";

const lanes = Array.from({ length: 16 }, (_, partition) => ({
  type: orderType as ActorType,
  stream: "ORDERS",
  partition,
}));
const member = (id: string, instance = id): Member => ({ id, instance });
const members = fc.uniqueArray(fc.string({ minLength: 1 }), { minLength: 1, maxLength: 20 });

it("every lane has one owner and nobody more than the fair share, whoever asks", () => {
  fc.assert(
    fc.property(members, (ids) => {
      const owners = assignLanes(
        lanes,
        ids.map((id) => member(id)),
      );
      expect(owners.size).toBe(lanes.length);
      for (const id of ids) {
        const share = [...owners.values()].filter((owner) => owner === id).length;
        expect(share).toBeLessThanOrEqual(Math.ceil(lanes.length / ids.length));
      }
      const asked = [...ids].reverse().map((id) => member(id));
      expect([...assignLanes(lanes, asked)]).toEqual([...owners]);
    }),
  );
});

it("when one of two members leaves, the other keeps what it had", () => {
  const both = assignLanes(lanes, [member("a"), member("b")]);
  const alone = assignLanes(lanes, [member("b")]);
  for (const lane of lanes) if (both.get(lane) === "b") expect(alone.get(lane)).toBe("b");
});

it("who is started again on its data directory gets the same lanes, whatever its new id", () => {
  const before = assignLanes(lanes, [member("1", "a"), member("2", "b")]);
  for (const id of ["0", "9", "x"]) {
    const after = assignLanes(lanes, [member("1", "a"), member(id, "b")]);
    for (const lane of lanes) expect(after.get(lane) === "1").toBe(before.get(lane) === "1");
  }
});

it("two on copies of one data directory still share", () => {
  const owners = [...assignLanes(lanes, [member("1", "a"), member("2", "a")]).values()];
  expect(owners.filter((owner) => owner === "1")).toHaveLength(8);
});
