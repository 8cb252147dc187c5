import { z } from "zod";
import { defineContract } from "../../src/actor/define-contract.ts";
import { orderEvents } from "./events.ts";

/** What publishers and consumers know of an order, and natstate with them. */
export const orderContract = defineContract({
  name: "order",
  events: orderEvents,
  decisions: {
    OrderConfirmed: z.object({ warehouseId: z.string(), estimatedDays: z.int().nonnegative() }),
    OrderRejected: z.object({ reason: z.string() }),
  },
});
