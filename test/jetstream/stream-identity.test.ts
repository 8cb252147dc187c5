import type { JetStreamManager, StreamInfo } from "@nats-io/jetstream";
import { expect, it } from "vitest";
import { identityOf, readKnownIdentity } from "../../src/jetstream/stream-identity.ts";

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

it("a stream that a cluster has restored is as old as its messages, one made anew as its creation", () => {
  const stream = (first_ts: string, messages: number) =>
    identityOf({ config: { name: "ORDERS" }, created, state: { first_ts, messages } } as unknown as StreamInfo);
  const createdMs = Date.parse(created);
  expect(stream("2026-02-01T00:00:00Z", 5)).toMatchObject({
    isRestored: true,
    // A stream of that name from before its first message is none of it.
    beginsAtMs: Date.parse("2026-01-31T23:59:59Z"),
  });
  expect(stream("2026-03-01T00:00:07Z", 5)).toMatchObject({ isRestored: false, beginsAtMs: createdMs });
  expect(stream("2026-02-28T23:59:59.9Z", 5), "clocks of servers").toMatchObject({ isRestored: false });
  expect(stream("0001-01-01T00:00:00Z", 0), "an empty one").toMatchObject({ isRestored: false });
});
