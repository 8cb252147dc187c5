import { jetstream } from "@nats-io/jetstream";
import { connect } from "@nats-io/transport-node";
import { consumeDecisions, orderContract } from "natstate/client";

// A service that ends between having handled a decision and acknowledging it.
const nc = await connect({ servers: process.env.NATS_URL as string });
await consumeDecisions(jetstream(nc), orderContract, {
  durable: process.env.DURABLE as string,
  async handler(decision, { attempt }) {
    await new Promise<void>((resolve) => {
      process.stdout.write(`handled ${decision.orderId} ${attempt}\n`, () => resolve());
    });
    process.kill(process.pid, "SIGKILL");
  },
});
