import { z } from "zod";

/** The fields of every decision an order can take, by type; the last one withdraws another. */
export const orderDecisions = {
  OrderConfirmed: z.object({ warehouseId: z.string(), estimatedDays: z.int().nonnegative() }),
  OrderRejected: z.object({ reason: z.string() }),
  OrderDecisionWithdrawn: z.object({}),
};
