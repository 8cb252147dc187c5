import { jetstream } from "@nats-io/jetstream";
import { connect } from "@nats-io/transport-node";
import { decisionsOf, orderContract } from "natstate/client";

const nc = await connect({ servers: process.env.NATS_URL ?? "127.0.0.1:4222" });
const decisions = decisionsOf(orderContract);
const consumer = await jetstream(nc).consumers.get("DECISIONS", { filter_subjects: decisions.subject() });
const orders = decisions.fold(); // keeps the highest revision of each order

for await (const message of await consumer.consume()) {
  const { kind, decision } = orders.take(message.data);
  if (kind === "withdrawn") console.log(`${decision.orderId}: nothing stands any more`);
  if (kind === "stands" && decision.decisionType === "OrderConfirmed") {
    console.log(`${decision.orderId}: ships from ${decision.warehouseId} in ${decision.estimatedDays} days`);
  }
  if (message.info.pending === 0) break; // leave this out to follow them for ever
}
await nc.close();
