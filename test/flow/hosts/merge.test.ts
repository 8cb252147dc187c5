import { expect, it } from "vitest";
import { createActor, createMachine } from "xstate";
import { orderType } from "../../../machines/order/order.ts";
import type { ActorType } from "../../../src/actor/actor-type.ts";
import { decode } from "../../../src/flow/decode.ts";
import { restoreActor, spawnActor } from "../../../src/flow/hosts/host.ts";
import { isRejected } from "../../../src/wire/rejection.ts";
import { orderEvent } from "../order-events.ts";

const type = orderType as ActorType;

it("what is stored is XState's own persisted snapshot, and starts the same actor", () => {
  const ours = spawnActor(type, "o");
  const theirs = createActor(type.machine).start();
  const events = [
    orderEvent(1, "o", "OrderCreated", 1),
    orderEvent(2, "o", "PaymentProcessed", 2),
    orderEvent(3, "o", "InventoryReserved", 3),
  ];
  for (const delivery of events) {
    const observation = decode(delivery, { maxBytes: 10_000 });
    if (isRejected(observation)) throw new Error(observation.error);
    ours.send(observation, () => []);
    theirs.send(observation);
    expect(JSON.parse(ours.persist().snapshot)).toEqual(JSON.parse(JSON.stringify(theirs.getPersistedSnapshot())));
    expect(restoreActor(type, "o", ours.persist(), null)?.persist()).toEqual(ours.persist());
  }
});

it("a state within states is told by its path, parallel ones together, as soon as restored too", () => {
  const machine = createMachine({
    type: "parallel",
    states: { money: { initial: "open", states: { open: {} } }, goods: { initial: "packed", states: { packed: {} } } },
  });
  const live = spawnActor({ ...type, machine }, "o");
  expect(live.state()).toBe("money.open · goods.packed");
  expect(restoreActor({ ...type, machine }, "o", live.persist(), null)?.state()).toBe("money.open · goods.packed");
});
