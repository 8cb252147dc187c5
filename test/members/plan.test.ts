import { expect, it } from "vitest";
import type { LaneState } from "../../src/members/plan.ts";
import { planLane } from "../../src/members/plan.ts";
import { orderLane } from "../flow/delivery.ts";
import { aMember, knowing } from "./a-member.ts";

const us = aMember("us");
const idle = aMember("other");
const holding = aMember("other", { streams: [knowing({ holds: [0] })] });

function planned(state: Partial<LaneState>) {
  const lane = { ...orderLane, partition: 0 };
  return planLane(lane, { assigned: undefined, members: [us], ownId: "us", isHeld: false, isGranted: false, ...state });
}

const ours = { owner: "us", standbys: ["other"] };
const theirs = { owner: "other", standbys: [] };

it.each<[string, Partial<LaneState>, ReturnType<typeof planLane>]>([
  ["ours, and nobody holds it", { assigned: ours, members: [us, idle] }, "hold"],
  ["ours, and another one holds it", { assigned: ours, members: [us, holding] }, { askOf: "other" }],
  ["ours, and its holder is gone", { assigned: ours, members: [us] }, "hold"],
  [
    "ours, and given to us, whatever the holder's record says",
    { assigned: ours, members: [us, holding], isGranted: true },
    "hold",
  ],
  ["ours, and both hold it", { assigned: ours, members: [us, holding], isHeld: true }, "hold"],
  ["another's, and we hold it", { assigned: theirs, members: [us, idle], isHeld: true }, "keep"],
  ["another's, and both hold it", { assigned: theirs, members: [us, holding], isHeld: true }, "leave"],
  ["another's, and we stand by", { assigned: { ...theirs, standbys: ["us"] }, members: [us, holding] }, "follow"],
  ["another's", { assigned: theirs, members: [us, holding] }, "leave"],
  ["nobody's, and we hold it", { isHeld: true }, "keep"],
])("a lane that is %s", (_what, state, part) => {
  expect(planned(state)).toEqual(part);
});
