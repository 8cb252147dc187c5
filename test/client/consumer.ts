import { jetstream } from "@nats-io/jetstream";
import { connect } from "@nats-io/transport-node";
import type { OrderDecision, OrderEvent } from "natstate/client";
import { decisionsOf, defineContract, foldDecisions, publishEvent } from "natstate/client";
import { z } from "zod";

// A service in another package, as a careful user of TypeScript would write it. Copied there by installed.slow.test.ts.
const nc = await connect({ servers: process.env.NATS_URL as string });
const js = jetstream(nc);
const event: OrderEvent = { orderId: "c1", eventType: "ShippingCalculated", shippingCost: 4.9, estimatedDays: 2 };
const { sequence } = await publishEvent(js, event);

const claim = defineContract({
  name: "insurance-claim",
  events: { ClaimFiled: z.object({ amount: z.number() }), ClaimClosed: z.object({}) },
  decisions: { PayoutDue: z.object({ amount: z.number() }) },
});
const untold = defineContract({ name: "parcel", events: { ParcelSent: z.object({}) } });

export async function typedForAnyActor() {
  await publishEvent(js, claim, { insuranceClaimId: "c1", eventType: "ClaimFiled", amount: 3 });
  // @ts-expect-error no such event type
  await publishEvent(js, claim, { insuranceClaimId: "c1", eventType: "ClaimLost", amount: 3 });
  // @ts-expect-error a field of another type
  await publishEvent(js, claim, { insuranceClaimId: "c1", eventType: "ClaimFiled", amount: "3" });
  // @ts-expect-error another actor type's id
  await publishEvent(js, claim, { orderId: "c1", eventType: "ClaimClosed" });
  const decision = decisionsOf(claim).read("{}");
  // @ts-expect-error no such decision type
  if (decision.decisionType === "OrderConfirmed") return decision.revision;
  // @ts-expect-error a withdrawal has no amount
  decision.amount;
  if (decision.decisionType === "InsuranceClaimDecisionWithdrawn") return decision.insuranceClaimId.length;
  const loose = decisionsOf(untold).read("{}");
  const weight: unknown = loose.weight;
  return loose.decisionType === "whatever" ? weight : decision.amount;
}

export function typed() {
  // @ts-expect-error a field is missing
  publishEvent(js, { orderId: "c1", eventType: "PaymentProcessed", amount: 20 });
  // @ts-expect-error not one of the statuses
  publishEvent(js, { orderId: "c1", eventType: "PaymentProcessed", amount: 20, status: "maybe" });
  // @ts-expect-error no such event type
  publishEvent(js, { orderId: "c1", eventType: "OrderLost" });
}

function daysOf(decision: OrderDecision): number | undefined {
  // @ts-expect-error only a confirmation has days
  decision.estimatedDays;
  return decision.decisionType === "OrderConfirmed" ? decision.estimatedDays : undefined;
}

const envelope = {
  revision: 1,
  supersedes: null,
  decidedAt: null,
  dataCompleteness: 40,
  basedOn: [],
  causationId: "e",
};
const fields = { decisionType: "OrderConfirmed", orderId: "c1", warehouseId: "w", estimatedDays: 2 };
const change = foldDecisions().take(JSON.stringify({ ...envelope, ...fields, correlationId: null }));
const days: number | undefined = daysOf(change.decision);
console.log(sequence > 0 && days === 2 ? "stored" : "", change.kind);
await nc.close();
