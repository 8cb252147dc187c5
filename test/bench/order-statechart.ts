import { assign, setup } from "xstate";
import { orderContract } from "../../machines/order/contract.ts";
import type { OrderEvent } from "../../machines/order/machine.ts";
import type { ActorType, Conclusion } from "../../src/actor/actor-type.ts";

type Data<Type extends OrderEvent["type"]> = Extract<OrderEvent, { type: Type }>["data"];

interface Context {
  readonly customer?: Data<"OrderCreated">;
  readonly payment?: Data<"PaymentProcessed">;
  readonly inventory?: Data<"InventoryReserved">;
  readonly shipping?: Data<"ShippingCalculated">;
  readonly loyalty?: Data<"LoyaltyPointsUpdated">;
}

const reserves = ({ inventory }: Context) =>
  inventory !== undefined && Object.values(inventory.reservedItems).some((quantity) => quantity > 0);

/** The order's states as who thinks of no other order than that of what happened writes them. */
const orderStatechart = setup({
  types: { context: {} as Context, events: {} as OrderEvent },
  actions: {
    keepCustomer: assign(({ context, event }) =>
      event.type === "OrderCreated" && context.customer === undefined ? { customer: event.data } : {},
    ),
    keepPayment: assign(({ event }) => (event.type === "PaymentProcessed" ? { payment: event.data } : {})),
    keepInventory: assign(({ event }) => (event.type === "InventoryReserved" ? { inventory: event.data } : {})),
    keepShipping: assign(({ event }) => (event.type === "ShippingCalculated" ? { shipping: event.data } : {})),
    keepLoyalty: assign(({ event }) => (event.type === "LoyaltyPointsUpdated" ? { loyalty: event.data } : {})),
  },
  guards: {
    hasFailed: ({ event }) => event.type === "PaymentProcessed" && event.data.status === "failed",
    paysReserved: ({ context, event }) =>
      event.type === "PaymentProcessed" && event.data.status === "successful" && reserves(context),
    reservesPaid: ({ context, event }) =>
      event.type === "InventoryReserved" &&
      context.payment?.status === "successful" &&
      reserves({ inventory: event.data }),
    isCreated: ({ context }) => context.customer !== undefined,
  },
}).createMachine({
  id: "order",
  context: {},
  initial: "pending",
  on: {
    OrderCreated: { actions: "keepCustomer" },
    PaymentProcessed: { actions: "keepPayment" },
    InventoryReserved: { actions: "keepInventory" },
    ShippingCalculated: { actions: "keepShipping" },
    LoyaltyPointsUpdated: { actions: "keepLoyalty" },
  },
  states: {
    pending: {
      on: {
        OrderCreated: { target: "processing", actions: "keepCustomer" },
        PaymentProcessed: [
          { guard: "hasFailed", target: "payment_failed", actions: "keepPayment" },
          { guard: "paysReserved", target: "confirmed", actions: "keepPayment" },
          { actions: "keepPayment" },
        ],
        InventoryReserved: [
          { guard: "reservesPaid", target: "confirmed", actions: "keepInventory" },
          { actions: "keepInventory" },
        ],
      },
    },
    processing: {
      on: {
        PaymentProcessed: [
          { guard: "hasFailed", target: "payment_failed", actions: "keepPayment" },
          { guard: "paysReserved", target: "confirmed", actions: "keepPayment" },
          { actions: "keepPayment" },
        ],
        InventoryReserved: [
          { guard: "reservesPaid", target: "confirmed", actions: "keepInventory" },
          { actions: "keepInventory" },
        ],
      },
    },
    payment_failed: {
      on: {
        PaymentProcessed: [
          { guard: "hasFailed", actions: "keepPayment" },
          { guard: "paysReserved", target: "confirmed", actions: "keepPayment" },
          { guard: "isCreated", target: "processing", actions: "keepPayment" },
          { target: "pending", actions: "keepPayment" },
        ],
      },
    },
    confirmed: {
      on: {
        PaymentProcessed: [
          { guard: "hasFailed", target: "payment_failed", actions: "keepPayment" },
          { guard: "paysReserved", actions: "keepPayment" },
          { guard: "isCreated", target: "processing", actions: "keepPayment" },
          { target: "pending", actions: "keepPayment" },
        ],
        InventoryReserved: [
          { guard: "reservesPaid", actions: "keepInventory" },
          { guard: "isCreated", target: "processing", actions: "keepInventory" },
          { target: "pending", actions: "keepInventory" },
        ],
      },
    },
  },
});

/** The order by event time: states and decisions of the bundled one. What a decision rests on the host says. */
export const orderByEventTime = {
  ...orderContract,
  machine: orderStatechart,
  version: 1,
  states: ["pending", "processing", "payment_failed", "confirmed"],
  decisionTypes: Object.keys(orderContract.decisions),
  conclude({ context: { inventory, shipping }, matches }): Conclusion {
    if (inventory !== undefined && matches("payment_failed")) {
      return { content: { decisionType: "OrderRejected", reason: "Payment failed" } };
    }
    if (inventory === undefined || !matches("confirmed")) return { content: null };
    const { warehouseId } = inventory;
    return { content: { decisionType: "OrderConfirmed", warehouseId, estimatedDays: shipping?.estimatedDays ?? 5 } };
  },
  completeness: ({ context }) => (Object.keys(context).length / 5) * 100,
  view: ({ context }) => ({ ...context }),
  waitingFor: () => [],
} satisfies ActorType<Context> as ActorType;
