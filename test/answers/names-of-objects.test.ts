import { expect, it } from "vitest";
import { createMachine } from "xstate";
import type { ActorType } from "../../src/actor/actor-type.ts";
import { createActivity } from "../../src/answers/activity.ts";
import { changesBetween } from "../../src/answers/field-changes.ts";
import { joinStats } from "../../src/answers/joined-answers.ts";
import { presentNextDue, presentStats } from "../../src/answers/present-rows.ts";
import { joinPulses, type Pulse } from "../../src/answers/pulse.ts";
import { highestVersions, type Member } from "../../src/members/member.ts";
import { thingType } from "../flow/things.ts";

/*
 * States, decision types, fields and actor types may be called as what every object has.
 */

const NAMES = ["toString", "constructor", "__proto__"];

const machine = createMachine({
  initial: "toString",
  states: { toString: { after: { 1000: "constructor" } }, constructor: { after: { 1000: "toString" } } },
});
const type: ActorType = {
  ...thingType(),
  ...{ ordering: "event-time", machine, states: NAMES },
  decisionTypes: ["Withdrawn", ...NAMES],
  withdrawn: "Withdrawn",
};

/** An object literal takes `__proto__` for something else. */
const each = <Value>(value: Value) => Object.fromEntries(NAMES.map((name) => [name, value]));

it("they are counted", () => {
  const tallies = new Map(
    NAMES.flatMap((name) => [
      [`state:${name}`, 2],
      [`decisions:${name}`, 3],
    ]),
  );
  const stats = presentStats(type, tallies);
  expect(stats.things).toEqual({ total: 6, byState: each(2) });
  expect(stats.decisions.byType).toEqual({ Withdrawn: 0, ...each(3) });
  expect(joinStats([stats, presentStats(type, new Map())])).toEqual(stats);
  // An older version of the type had states that this one has not.
  expect(presentStats({ ...type, states: [] }, tallies).things).toEqual({ total: 6, byState: each(2) });
});

it("counts of one that is called as what every object has stand beside those of another type", () => {
  const things = presentStats(type, new Map());
  const { things: counts, ...rest } = things;
  const joined = joinStats([things, { ...rest, constructor: counts } as typeof things]);
  expect(joined).toEqual({ ...things, constructor: counts });
});

it("when the next is due is known of them, of one store and of several", () => {
  // XState has no state of the third name.
  const rows = ["toString", "constructor"].flatMap((state) =>
    ["2026-02-02", "2026-02-01"].map((due) => ({ state, due })),
  );
  const next = presentNextDue(type, rows);
  expect(next).toEqual({ toString: "2026-02-01", constructor: "2026-02-01" });
  const stats = presentStats(type, new Map());
  const pulse: Pulse = { stats, activity: createActivity([type]).read(type, 0), next };
  const earlier = { ...pulse, next: each("2026-01-01") };
  expect(joinPulses(type, [pulse, earlier]).next).toEqual(each("2026-01-01"));
});

it("a field that is called so comes and goes", () => {
  const coming = changesBetween({}, each(1));
  expect(coming).toEqual(NAMES.map((path) => ({ path, before: null, after: 1 })));
  const going = changesBetween(each(1), {});
  expect(going).toEqual(NAMES.map((path) => ({ path, before: 1, after: null })));
});

it("the highest version of an actor type that is called so is known", () => {
  const streams = [1, 3, 2].map((typeVersion) => ({ type: "constructor", typeVersion }));
  expect(highestVersions([{ streams } as unknown as Member])).toEqual(Object.fromEntries([["constructor", 3]]));
});
