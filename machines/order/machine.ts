import { assign, setup } from "xstate";
import type { z } from "zod";
import type { MachineEvents } from "../../src/actor/definition.ts";
import { earliest, type Facet, newest } from "../../src/actor/merge.ts";
import type { orderEvents } from "./events.ts";

type OrderEvents = typeof orderEvents;

/** The event type as the machine receives it: its contract's fields under `data`. */
export type OrderEvent = MachineEvents<OrderEvents>;

/** A part of the order that exactly one event type fills, with the event that filled it. */
type OrderFacet<Type extends keyof OrderEvents> = Facet<z.output<OrderEvents[Type]>>;

/** What is known of an order. The state, the completeness and the decision are functions of this alone. */
export interface OrderContext {
  readonly customer?: OrderFacet<"OrderCreated">;
  readonly payment?: OrderFacet<"PaymentProcessed">;
  readonly inventory?: OrderFacet<"InventoryReserved">;
  readonly shipping?: OrderFacet<"ShippingCalculated">;
  readonly loyalty?: OrderFacet<"LoyaltyPointsUpdated">;
}

/** Is the winning payment a failed one? */
export function isPaymentFailed(context: OrderContext): boolean {
  return context.payment?.data.status === "failed";
}

/** Is the winning payment successful and something reserved? Quantities that are all 0 reserve nothing. */
export function isConfirmed(context: OrderContext): boolean {
  return (
    context.payment?.data.status === "successful" &&
    context.inventory !== undefined &&
    Object.values(context.inventory.data.reservedItems).some((quantity) => quantity > 0)
  );
}

/**
 * The order as a statechart. Every event merges one facet; which state holds is then read off the facets by eventless
 * transitions, so a state never depends on the order in which events arrived.
 */
export const orderMachine = setup({
  types: {
    context: {} as OrderContext,
    events: {} as OrderEvent,
  },
  actions: {
    learnCustomer: assign(({ context, event }) =>
      event.type === "OrderCreated" ? { customer: earliest(context.customer, event) } : {},
    ),
    learnPayment: assign(({ context, event }) =>
      event.type === "PaymentProcessed" ? { payment: newest(context.payment, event) } : {},
    ),
    learnInventory: assign(({ context, event }) =>
      event.type === "InventoryReserved" ? { inventory: newest(context.inventory, event) } : {},
    ),
    learnShipping: assign(({ context, event }) =>
      event.type === "ShippingCalculated" ? { shipping: newest(context.shipping, event) } : {},
    ),
    learnLoyalty: assign(({ context, event }) =>
      event.type === "LoyaltyPointsUpdated" ? { loyalty: newest(context.loyalty, event) } : {},
    ),
  },
  guards: {
    isPaymentFailed: ({ context }) => isPaymentFailed(context),
    isConfirmed: ({ context }) => isConfirmed(context),
    isCreated: ({ context }) => context.customer !== undefined,
    isOpen: ({ context }) => !isPaymentFailed(context) && !isConfirmed(context),
    isOpenAndCreated: ({ context }) =>
      context.customer !== undefined && !isPaymentFailed(context) && !isConfirmed(context),
  },
}).createMachine({
  id: "order",
  description: "One order, assembled from what five services observed about it, in whatever order they were heard.",
  context: {},
  initial: "pending",
  on: {
    OrderCreated: {
      actions: "learnCustomer",
      description: "The customer placed the order. An order is created once: the earliest report wins.",
    },
    PaymentProcessed: {
      actions: "learnPayment",
      description: "The payment service's latest word: pending, successful or failed. The newest wins.",
    },
    InventoryReserved: {
      actions: "learnInventory",
      description: "What a warehouse has reserved; nothing, when no quantity is above 0. The newest wins.",
    },
    ShippingCalculated: {
      actions: "learnShipping",
      description: "Cost and days of delivery. The newest wins.",
    },
    LoyaltyPointsUpdated: {
      actions: "learnLoyalty",
      description: "The customer's points after this order. The newest wins.",
    },
  },
  states: {
    pending: {
      description: "Something was observed about the order, but not yet its creation, and nothing is decided.",
      always: [
        { guard: "isPaymentFailed", target: "payment_failed", description: "The payment failed." },
        { guard: "isConfirmed", target: "confirmed", description: "Paid and reserved, creation not needed." },
        { guard: "isCreated", target: "processing", description: "The creation is known." },
      ],
    },
    processing: {
      description: "The order is known to exist and waits for payment or inventory.",
      always: [
        { guard: "isPaymentFailed", target: "payment_failed", description: "The payment failed." },
        { guard: "isConfirmed", target: "confirmed", description: "Paid and reserved." },
      ],
    },
    payment_failed: {
      description: "The winning payment is a failed one. A newer payment can still save the order.",
      always: [
        { guard: "isConfirmed", target: "confirmed", description: "A newer payment succeeded and stock is reserved." },
        { guard: "isOpenAndCreated", target: "processing", description: "A newer payment is no longer failed." },
        { guard: "isOpen", target: "pending", description: "A newer payment is no longer failed, creation unknown." },
      ],
    },
    confirmed: {
      description: "The winning payment is successful and something is reserved. Later facts can still undo it.",
      always: [
        { guard: "isPaymentFailed", target: "payment_failed", description: "A newer payment failed." },
        { guard: "isOpenAndCreated", target: "processing", description: "Payment or reservation no longer holds." },
        {
          guard: "isOpen",
          target: "pending",
          description: "Payment or reservation no longer holds, creation unknown.",
        },
      ],
    },
  },
});
