import type { JetStreamManager } from "@nats-io/jetstream";
import { expect, it } from "vitest";
import { readKnownIdentity } from "../../src/jetstream/stream-identity.ts";

const created = "2026-03-01T00:00:00Z";

/** A stream whose answer was on its way while `meanwhile` happened. */
function streamAt(lastSequence: number, meanwhile: () => void): JetStreamManager {
  const info = async () => {
    meanwhile();
    return { config: { name: "ORDERS" }, created, state: { first_seq: 1, last_seq: lastSequence } };
  };
  return { streams: { info } } as unknown as JetStreamManager;
}

function storeAt(checkpoint: number) {
  const store = { checkpoint };
  return Object.assign(store, {
    streamCreated: () => created,
    completeTo: () => 0,
    highestCheckpoint: () => store.checkpoint,
  });
}

it("what is stored and committed while the stream's answer is on its way is no contradiction", async () => {
  const store = storeAt(10);
  const stream = streamAt(10, () => {
    store.checkpoint = 12;
  });
  await expect(readKnownIdentity(stream, store, "ORDERS")).resolves.toMatchObject({ lastSequence: 10 });
});

it("a stream that ends before what was read of it is refused with the command", async () => {
  const stream = streamAt(10, () => {});
  await expect(readKnownIdentity(stream, storeAt(11), "ORDERS")).rejects.toThrow(
    /natstate start --accept-stream ORDERS/,
  );
});
