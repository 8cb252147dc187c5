import fc from "fast-check";
import { expect, it } from "vitest";
import { orderType } from "../../machines/order/order.ts";
import type { ActorType } from "../../src/actor/actor-type.ts";
import { type Assigned, assignLanes } from "../../src/members/assignment.ts";
import type { Member } from "../../src/members/member.ts";
import { lanesOf } from "../../src/wire/lanes.ts";
import { aMember, knowing } from "./a-member.ts";

const lanes = lanesOf(orderType as ActorType, 16);
const ids = fc.uniqueArray(fc.string({ minLength: 1 }), { minLength: 1, maxLength: 20 });

/** As the first of them computes it. */
function owners(members: readonly Member[]) {
  const own = members[0] as Member;
  return new Map([...assignLanes({ lanes, members, own })].map(([lane, { owner }]) => [lane, owner]));
}

it("every lane has one owner and nobody more than the fair share, whoever asks", () => {
  fc.assert(
    fc.property(ids, (each) => {
      const members = each.map((id) => aMember(id));
      const shared = owners(members);
      expect(shared.size).toBe(lanes.length);
      for (const id of each) {
        const share = [...shared.values()].filter((owner) => owner === id).length;
        expect(share).toBeLessThanOrEqual(Math.ceil(lanes.length / each.length));
      }
      expect([...owners(members.toReversed())]).toEqual([...shared]);
    }),
  );
});

it("when one of two members leaves, the other keeps what it had", () => {
  const both = owners([aMember("a"), aMember("b")]);
  const alone = owners([aMember("b")]);
  for (const lane of lanes) if (both.get(lane) === "b") expect(alone.get(lane)).toBe("b");
});

it("who is started again on its data directory gets the same lanes, whatever its new id", () => {
  const before = owners([aMember("1", { instance: "a" }), aMember("2", { instance: "b" })]);
  for (const id of ["0", "9", "x"]) {
    const after = owners([aMember("1", { instance: "a" }), aMember(id, { instance: "b" })]);
    for (const lane of lanes) expect(after.get(lane) === "1").toBe(before.get(lane) === "1");
  }
});

it("two on copies of one data directory still share", () => {
  const shared = [...owners([aMember("1", { instance: "a" }), aMember("2", { instance: "a" })]).values()];
  expect(shared.filter((owner) => owner === "1")).toHaveLength(8);
});

const parcels = lanesOf({ ...orderType, name: "parcel", collection: "parcels" } as ActorType, 16);
const parcelsKnown = knowing({ name: "PARCELS", type: "parcel" });

/** Members of whom each may know orders, parcels or both, in some version, and may be about to end. */
const mixed = fc
  .uniqueArray(
    fc.record({
      id: fc.string({ minLength: 1 }),
      leaving: fc.boolean(),
      orders: fc.option(fc.integer({ min: 1, max: 3 }), { nil: undefined }),
      parcels: fc.option(fc.integer({ min: 1, max: 3 }), { nil: undefined }),
    }),
    { selector: ({ id }) => id, minLength: 1, maxLength: 8 },
  )
  .map((each) =>
    each.map(({ id, leaving, orders, parcels: known }) =>
      aMember(id, {
        leaving,
        streams: [
          ...(orders === undefined ? [] : [knowing({ typeVersion: orders })]),
          ...(known === undefined ? [] : [{ ...parcelsKnown, typeVersion: known }]),
        ],
      }),
    ),
  );

/** As one of them computes it of the lanes it knows, by stream and partition. */
function assignedTo(own: Member, members: readonly Member[], standbys = 0): Map<string, Assigned> {
  const known = [...lanes, ...parcels].filter(({ stream }) => own.streams.some(({ name }) => name === stream));
  const assigned = assignLanes({ lanes: known, members, own, standbys });
  return new Map([...assigned].map(([{ stream, partition }, each]) => [`${stream}/${partition}`, each]));
}

const versionOf = (member: Member | undefined, stream: string) =>
  member?.streams.find(({ name }) => name === stream)?.typeVersion;

it("members that know different types compute the same of what both know", () => {
  fc.assert(
    fc.property(mixed, fc.integer({ min: 0, max: 2 }), (members, standbys) => {
      const [one, ...others] = members.map((own) => assignedTo(own, members, standbys));
      for (const other of others) {
        for (const [lane, assigned] of other) expect(one?.get(lane) ?? assigned).toEqual(assigned);
      }
    }),
  );
});

it("a lane goes to the highest version of its type, and to one that leaves only where all of those do", () => {
  fc.assert(
    fc.property(mixed, (members) => {
      const byId = new Map(members.map((member) => [member.id, member]));
      for (const own of members) {
        for (const [lane, { owner, standbys }] of assignedTo(own, members, 1)) {
          const stream = lane.split("/")[0] ?? "";
          const able = members.filter((member) => versionOf(member, stream) !== undefined);
          const highest = Math.max(...able.map((member) => versionOf(member, stream) ?? 0));
          const ofHighest = able.filter((member) => versionOf(member, stream) === highest);
          for (const id of [owner, ...standbys]) {
            expect(versionOf(byId.get(id), stream)).toBe(highest);
            expect(byId.get(id)?.leaving).toBe(ofHighest.every(({ leaving }) => leaving));
          }
        }
      }
    }),
  );
});

it("as many stand by as are asked for and can, never the owner, each for its share and with several at most few lanes more", () => {
  fc.assert(
    fc.property(ids, fc.integer({ min: 0, max: 3 }), (each, wanted) => {
      const members = each.map((id) => aMember(id));
      const assigned = [...assignLanes({ lanes, members, own: members[0] as Member, standbys: wanted }).values()];
      const standbys = Math.min(wanted, each.length - 1);
      for (const { owner, standbys: chosen } of assigned) {
        expect(new Set([owner, ...chosen]).size).toBe(1 + standbys);
      }
      for (const id of each) {
        const share = assigned.filter(({ standbys: chosen }) => chosen.includes(id)).length;
        const few = standbys > 1 ? wanted : 0;
        expect(share).toBeLessThanOrEqual(Math.ceil((lanes.length * standbys) / each.length) + few);
      }
    }),
    { examples: [[['"_', ";H", "Eg~;9{d", "u"], 1]] },
  );
});

it("who comes or goes moves few lanes that are not its own", () => {
  fc.assert(
    fc.property(fc.uniqueArray(fc.uuid(), { minLength: 3, maxLength: 9 }), ([last = "", ...each]) => {
      const fewer = owners(each.map((id) => aMember(id)));
      const more = owners([...each, last].map((id) => aMember(id)));
      const moved = lanes.filter((lane) => more.get(lane) !== last && more.get(lane) !== fewer.get(lane));
      expect(moved.length).toBeLessThanOrEqual(lanes.length / 2);
    }),
  );
});

it("who speaks of another stream of that name, or of other partitions, has no part in ours", () => {
  for (const other of [{ created: "2026-02-02T00:00:00Z" }, { partitions: 8 }, { type: "other" }]) {
    const shared = owners([aMember("a"), aMember("b", { streams: [knowing(other)] })]);
    expect(new Set(shared.values())).toEqual(new Set(["a"]));
  }
});
