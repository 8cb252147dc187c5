import { expect, it } from "vitest";
import { disagreements } from "../../src/members/disagreements.ts";
import type { MemberStream } from "../../src/members/member.ts";
import { aMember, knowing } from "./a-member.ts";

const own = aMember("a");
const against = (what: Partial<MemberStream>) =>
  disagreements(own, [own, aMember("b", { host: "there", pid: 7, streams: [knowing(what)] })]);

it("daemons that are alike, of other versions or of other types have nothing against each other", () => {
  expect(against({})).toEqual([]);
  expect(against({ typeVersion: 2, fingerprint: "b" })).toEqual([]);
  expect(against({ name: "PARCELS", type: "parcel", created: "2026-02-02T00:00:00Z" })).toEqual([]);
});

it.each([
  [{ fingerprint: "b" }, /there, pid 7, has other rules under version 1 of order .*raise the version/],
  [{ created: "2026-02-02T00:00:00Z" }, /created 2026-02-02T00:00:00Z, .*start the one again that has the former/],
  [{ partitions: 8 }, /divides ORDERS into 8 partitions, this one into 16, .*NATSTATE_PARTITIONS/],
  [{ type: "other" }, /reads ORDERS for the actor type other, .*another collection/],
])("%j is told with what to do", (what, told) => {
  expect(against(what)).toEqual([expect.stringMatching(told)]);
});
