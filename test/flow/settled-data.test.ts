import { expect, it } from "vitest";
import { z } from "zod";
import type { ActorType } from "../../src/actor/actor-type.ts";
import { decode } from "../../src/flow/decode.ts";
import type { Observation } from "../../src/flow/delivery.ts";
import { storedDelivery } from "../../src/flow/event-row.ts";
import { freezeFact } from "../../src/flow/hosts/fact.ts";
import type { Lane } from "../../src/wire/lanes.ts";
import { deliver } from "./delivery.ts";
import { thingType } from "./things.ts";

const LIMITS = { maxBytes: 65_536 };

function laneOf(contract: z.ZodType): Lane {
  const type = { ...thingType(), events: { Counted: contract } } as unknown as ActorType;
  return { type, stream: "THINGS", partition: 0 };
}

/** @returns the data of an event of the body `{ n }`, as a contract makes it. */
function dataBy(contract: z.ZodType): Readonly<Record<string, unknown>> {
  const lane = laneOf(contract);
  const body = { thingId: "t-1", eventType: "Counted", timestamp: "2026-01-01T00:00:00Z", n: 0 };
  const observation = decode(deliver(1, "things.t-1.Counted", body, { lane }), LIMITS) as Observation;
  expect(freezeFact({ ...observation }).data).toBe(observation.data);
  return observation.data;
}

const OWN = { is: "the contract's" };
const made = (make: () => object) => z.object({ n: z.number() }).transform(make);

it("an event's data are as their row gives them back: settled once, and what is as JSON makes it is not copied", () => {
  const plain = { list: [{ n: 1 }], none: null };
  expect(dataBy(made(() => plain))).toBe(plain);
  expect(Object.isFrozen(plain.list[0])).toBe(true);
  expect(Object.keys(dataBy(made(() => ({ a: { gone: undefined }, b: 1 }))).a as object)).toEqual([]);
  expect(dataBy(made(() => ({ list: [-0] }))).list).toStrictEqual([0]);
  expect(Object.getPrototypeOf(dataBy(made(() => ({ bare: Object.create(null) }))).bare)).toBe(Object.prototype);
});

it("no two places of an event's data are one object, nor two events', nor a contract's own", () => {
  const twice = { n: 1 };
  const { a, b } = dataBy(made(() => ({ a: twice, b: twice })));
  expect(a).toEqual(b);
  expect(a).not.toBe(b);
  const contract = made(() => ({ own: OWN }));
  dataBy(contract);
  expect(dataBy(contract).own).toEqual(OWN);
  expect(dataBy(contract).own).not.toBe(dataBy(contract).own);
});

it("an event that only the store has any more is as frozen as one that has just come", () => {
  const body = JSON.stringify({ list: [{ n: 1 }] });
  const times = { timestamp: "2026-01-01T00:00:00.000Z", storedAtMs: 0 };
  const row = { actorKey: 1, eventId: "e", type: "Counted", sequence: 1, correlationId: null, body, ...times };
  const { data } = decode(storedDelivery(laneOf(z.object({})), "t-1", row), LIMITS) as Observation;
  const [first] = data.list as object[];
  expect([data, data.list, first].map((value) => Object.isFrozen(value))).toEqual([true, true, true]);
});
