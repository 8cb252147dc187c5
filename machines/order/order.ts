import type { ActorType } from "../../src/actor/actor-type.ts";
import { orderContract } from "./contract.ts";
import { conclude } from "./decision.ts";
import { type OrderContext, orderMachine } from "./machine.ts";
import { expectOrders, SHOWCASE_ID } from "./reference.ts";
import { orderSamples } from "./samples.ts";
import { orderTraffic } from "./traffic.ts";
import { completeness, viewOrder, waitingFor } from "./view.ts";

/** The order aggregate: the first actor type, and the pattern for yours. */
export const orderType: ActorType<OrderContext> = {
  ...orderContract,
  machine: orderMachine,
  ordering: "merge",
  version: 2,
  states: ["pending", "processing", "payment_failed", "confirmed"],
  decisionTypes: Object.keys(orderContract.decisions),
  conclude,
  completeness,
  view: viewOrder,
  waitingFor,
  samples: orderSamples,
  rehearsal: { traffic: orderTraffic, expect: expectOrders, showcaseId: SHOWCASE_ID },
};
