import { expect, it } from "vitest";
import { checkout } from "../../examples/checkout/actors.ts";
import type { ActorType } from "../../src/actor/actor-type.ts";
import { makeTraffic, rehearsalOf } from "../../src/demo/traffic.ts";
import { checkEvent } from "../../src/flow/check-event.ts";
import { parcelType } from "../parcel.ts";

const { rehearsal: _none, ...parcel } = parcelType;
const OPTIONS = { actors: 40, seed: 5, duplicates: 0.2, late: 0.1, fail: 0, shuffle: 10, malformed: 4 };

it.each([parcel, checkout] as ActorType[])("traffic of $name is made from its contract, seeded", (type) => {
  const messages = makeTraffic(type, OPTIONS);
  expect(makeTraffic(type, OPTIONS)).toEqual(messages);
  expect(makeTraffic(type, { ...OPTIONS, seed: 6 })).not.toEqual(messages);
  expect(messages.filter(({ rejectedAs }) => rejectedAs !== undefined)).toHaveLength(4);
  for (const { subject, body, rejectedAs } of messages) {
    expect(checkEvent(type, { subject, body: Buffer.from(body) }, 65_536)?.reason).toBe(rejectedAs);
  }
  const order = messages.map(({ actorId }) => actorId);
  expect(order).not.toEqual(order.toSorted());
});

it("what must come of it does not depend on the order of the messages, nor on how often they are there", () => {
  const messages = makeTraffic(checkout as ActorType, OPTIONS);
  const { expect: model } = rehearsalOf(checkout as ActorType);
  const expected = model(messages);
  expect(expected.size).toBe(40);
  const [one] = messages.filter(({ actorId }) => actorId === "checkout-1");
  const again = model([...messages, one as never].reverse());
  const differing = [...again].filter(([id, actor]) => JSON.stringify(actor) !== JSON.stringify(expected.get(id)));
  expect(differing.map(([id]) => id)).toEqual(["checkout-1"]);
  expect(again.get("checkout-1")).toEqual({
    ...expected.get("checkout-1"),
    duplicates: (expected.get("checkout-1")?.duplicates ?? 0) + 1,
  });
  expect(new Set([...expected.values()].map(({ state }) => state)).size).toBeGreaterThan(2);
});
