import { jetstream } from "@nats-io/jetstream";
import { connect } from "@nats-io/transport-node";
import { consumeDecisions, orderContract } from "natstate/client";

const nc = await connect({ servers: process.env.NATS_URL ?? "127.0.0.1:4222" });
const consumer = await consumeDecisions(jetstream(nc), orderContract, {
  durable: "shipping", // any number of processes share it
  async handler(decision) {
    // Acknowledged once this has resolved; what it throws brings the decision back, later each time.
    if (decision.decisionType === "OrderConfirmed") console.log(`${decision.orderId}: pack in ${decision.warehouseId}`);
  },
});
process.once("SIGINT", async () => {
  await consumer.stop(); // what is in hand is finished
  await nc.drain();
});
