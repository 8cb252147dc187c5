import { expect, it } from "vitest";
import { orderType } from "../../machines/order/order.ts";
import type { ActorType } from "../../src/actor/actor-type.ts";
import { gatherTypes } from "../../src/wire/gathered-types.ts";
import { describeType } from "../../src/wire/type-description.ts";
import { parcelType } from "../parcel.ts";

const order = describeType(orderType as ActorType);
const parcel = describeType(parcelType);

it("one answer is enough where nobody knows more, also from a daemon that does not say so", () => {
  const gathered = gatherTypes();
  gathered.take({ types: [order] });
  expect(gathered.isComplete()).toBe(true);
});

it("an answer that names more is waited for the others', and the highest version stays", () => {
  const gathered = gatherTypes();
  const known = { order: order.version + 1, parcel: parcel.version };
  gathered.take({ types: [order, parcel], known });
  expect(gathered.isComplete()).toBe(false);
  gathered.take({ types: [{ ...order, version: order.version + 1 }], known });
  expect(gathered.isComplete()).toBe(true);
  gathered.take({ types: [order], known });
  expect(gathered.types().map(({ name, version }) => [name, version])).toEqual([
    ["order", order.version + 1],
    ["parcel", parcel.version],
  ]);
});
