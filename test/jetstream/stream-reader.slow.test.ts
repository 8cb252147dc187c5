import type { JetStreamClient } from "@nats-io/jetstream";
import { expect, it } from "vitest";
import { openSession, type Session } from "../../src/jetstream/session.ts";
import { readStream } from "../../src/jetstream/stream-reader.ts";
import { startTestCluster } from "../cluster.ts";
import { until } from "../until.ts";

const MESSAGES = 601;
const SENT_AT_ONCE = 50;
const BODY = "x".repeat(40_000);

interface Reading {
  /** Sequences, in the order in which they came. */
  readonly found: readonly number[];
  /** The server had placed it on a replica that did not have everything. */
  readonly wasBehind: boolean;
}

async function read({ jsm, js }: Session): Promise<Reading> {
  let wasBehind = false;
  const consumers = {
    async get(...given: Parameters<JetStreamClient["consumers"]["get"]>) {
      const consumer = await js.consumers.get(...given);
      wasBehind ||= (await consumer.info(true)).num_pending < MESSAGES;
      return consumer;
    },
  };
  const observed = Object.create(js, { consumers: { value: consumers } });
  const messages = (await Array.fromAsync(readStream({ jsm, js: observed }, "T"))).flat();
  return { found: messages.map(({ sequence }) => sequence), wasBehind };
}

/** Many at once, for 5 s. What could not be read at all, because a node did not answer, is left out. */
async function readForAWhile(session: Session): Promise<Reading[]> {
  const deadline = Date.now() + 5000;
  const readings: Promise<Reading | undefined>[] = [];
  await until("5 s have passed", async () => {
    readings.push(read(session).catch(() => undefined));
    await new Promise((resolve) => setTimeout(resolve, 200));
    return Date.now() > deadline;
  });
  return (await Promise.all(readings)).filter((reading) => reading !== undefined);
}

it("a reading placed on a replica that is catching up gives everything", async () => {
  await using cluster = await startTestCluster();
  const [first, second, third] = cluster.nodes;
  const session = await openSession({ url: `${first.url},${second.url}`, name: "test" }, () => {});
  await session.jsm.streams.add({ name: "T", subjects: ["t.*"], num_replicas: 3 });
  // Who publishes hears of a new stream's leader a moment later.
  await until("the stream hears", () => session.js.publish("t.a", BODY, { msgID: "first" }).catch(() => false));
  for (let sent = 1; sent < MESSAGES; sent += SENT_AT_ONCE) {
    await Promise.all(Array.from({ length: SENT_AT_ONCE }, () => session.js.publish("t.a", BODY, { timeout: 20_000 })));
  }
  const everything = Array.from({ length: MESSAGES }, (_, index) => index + 1);
  let behind = 0;
  for (let round = 0; behind === 0 && round < 8; round++) {
    await cluster.settle(session);
    await cluster.moveLeaderFrom(third, session, "T");
    await third.kill9();
    await third.wipe();
    // Should it have led the cluster, another one has to.
    await until("JetStream answers", () => read(session).catch(() => false), 60_000);
    third.start();
    const speedUp = third.slowDown();
    const readings = await readForAWhile(session);
    speedUp();
    expect(readings.length).toBeGreaterThan(0);
    for (const { found } of readings) expect(found).toEqual(everything);
    behind += readings.filter(({ wasBehind }) => wasBehind).length;
  }
  expect(behind, "readings that met the replica while it was catching up").toBeGreaterThan(0);
  await session.close();
});
