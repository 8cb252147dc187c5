import { readFileSync } from "node:fs";
import { jetstream, jetstreamManager } from "@nats-io/jetstream";
import { connect } from "@nats-io/transport-node";
import { expect, it } from "vitest";
import { consumeDecisions, orderContract } from "../../machines/order/client.ts";
import { type Role, startSecureServer } from "../e2e/secure-server.ts";
import { until } from "../until.ts";
import { revision } from "./revisions.ts";

/** The lines that docs/nats-secure.conf has ready for a durable. */
function uncommented(): Record<string, string> {
  const text = readFileSync(`${import.meta.dirname}/../../docs/nats-secure.conf`, "utf8");
  const lines = text.match(/^ *# .*\.shipping\b.*$/gm) ?? [];
  return Object.fromEntries(lines.map((line) => [`${line}\n`, `${line.replace("# ", "")}\n`]));
}

it("a reader with the lines of docs/nats-secure.conf consumes a durable that was made for it, and makes none", async () => {
  await using server = await startSecureServer({ changes: uncommented() });
  const as = (role: Role) =>
    connect({
      ...{ servers: server.url(role).replace("tls://", ""), user: role, pass: server.password(role) },
      ...{ inboxPrefix: `_INBOX_${role}`, tls: { caFile: server.tls.ca } },
    });
  const processor = await as("processor");
  const jsm = await jetstreamManager(processor);
  await jsm.streams.add({ name: "DECISIONS", subjects: ["decisions.orders.*"] });
  const filter = { ack_policy: "explicit", filter_subject: "decisions.orders.*" } as const;
  await jsm.consumers.add("DECISIONS", { durable_name: "shipping", ...filter });
  await jetstream(processor).publish("decisions.orders.o1", JSON.stringify(revision("o1", 1)));

  const reader = await as("reader");
  const heard: number[] = [];
  const errors: string[] = [];
  const options = {
    retryDelayMs: () => 20,
    onError: (error: unknown) => void errors.push((error as Error).message),
    handler(_: unknown, { attempt }: { attempt: number }) {
      heard.push(attempt);
      if (attempt === 1) throw new Error("busy");
    },
  };
  const consumer = await consumeDecisions(jetstream(reader), orderContract, { durable: "shipping", ...options });
  await until("it is heard twice", () => heard.length === 2);
  await consumer.stop();
  const { num_ack_pending, ack_floor } = await jsm.consumers.info("DECISIONS", "shipping");
  expect({ errors, num_ack_pending, acknowledged: ack_floor.stream_seq, violations: server.violations() }).toEqual({
    ...{ errors: ["busy"], num_ack_pending: 0, acknowledged: 1, violations: [] },
  });
  await expect(consumeDecisions(jetstream(reader), orderContract, { durable: "mine", ...options })).rejects.toThrow();
  await reader.close();
  await processor.close();
});
