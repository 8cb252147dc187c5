import { z } from "zod";
import { orderEvents } from "./events.ts";

/** The fields of every decision an order can take, by type; the last one withdraws another. */
const orderDecisions = {
  OrderConfirmed: z.object({ warehouseId: z.string(), estimatedDays: z.int().nonnegative() }),
  OrderRejected: z.object({ reason: z.string() }),
  OrderDecisionWithdrawn: z.object({}),
};

/** What publishers and consumers know of an order, and natstate with them. */
export const orderContract = {
  collection: "orders",
  idField: "orderId",
  events: orderEvents,
  decisions: orderDecisions,
  withdrawn: "OrderDecisionWithdrawn",
} as const;
