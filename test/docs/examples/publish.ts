import { jetstream } from "@nats-io/jetstream";
import { connect } from "@nats-io/transport-node";
import { orderContract, publishEvent } from "natstate/client";

const nc = await connect({ servers: process.env.NATS_URL ?? "127.0.0.1:4222" });
const js = jetstream(nc);

// Typed by the contract; what natstate could not read is refused here, with the reason.
await publishEvent(js, orderContract, {
  orderId: "my-2",
  eventType: "PaymentProcessed",
  eventId: "payment-4711", // the same id twice has one effect; a UUID when it is left out
  timestamp: new Date(), // event time decides which of two facts is newer, not arrival
  amount: 20,
  status: "successful",
});
const { subject, sequence } = await publishEvent(js, orderContract, {
  orderId: "my-2",
  eventType: "InventoryReserved",
  reservedItems: { "sku-1": 2 },
  warehouseId: "west",
});
console.log(`${subject} is stored as message ${sequence}`);
await nc.close();
