import type { ConsumeOptions, Consumer, JsMsg } from "@nats-io/jetstream";
import { afterAll, beforeAll, expect, it } from "vitest";
import { openSession, type Session } from "../../src/jetstream/session.ts";
import { readStream } from "../../src/jetstream/stream-reader.ts";
import { openProxy } from "../faults/proxy.ts";
import { startTestServer, type TestServer } from "../server.ts";

let server: TestServer;
let session: Session;

beforeAll(async () => {
  server = await startTestServer();
  session = await openSession({ url: server.url, name: "test" }, () => {});
  await session.jsm.streams.add({ name: "T", subjects: ["t.*"] });
  for (const subject of ["t.a", "t.a", "t.b", "t.b"]) await session.js.publish(subject, subject);
});
afterAll(async () => {
  await session.close();
  await server.stop();
});

async function read(from: number, js = session.js, { jsm } = session): Promise<number[]> {
  const messages = (await Array.fromAsync(readStream({ jsm, js }, "T", { from }))).flat();
  return messages.map(({ sequence }) => sequence);
}

/** The real client, whose consumers are changed by `change`. */
function withConsumers(js: Session["js"], change: (consumer: Consumer) => object): Session["js"] {
  const get = async (...given: Parameters<Session["js"]["consumers"]["get"]>) => {
    const consumer = await js.consumers.get(...given);
    return Object.create(consumer, Object.getOwnPropertyDescriptors(change(consumer)));
  };
  return Object.create(js, { consumers: { value: { get } } });
}

/** The real client, whose messages are changed, or left out, by `change`. */
function withMessages(js: Session["js"], change: (message: JsMsg) => JsMsg | undefined): Session["js"] {
  return withConsumers(js, (consumer) => ({
    async consume(options: ConsumeOptions) {
      const messages = await consumer.consume(options);
      const changed = async function* () {
        for await (const message of messages) {
          const given = change(message);
          if (given !== undefined) yield given;
        }
      };
      return Object.assign(changed(), { close: () => messages.close() });
    },
  }));
}

it("what was sent into a connection that was lost is read all the same", async () => {
  await using proxy = await openProxy(server.port);
  const cutOff = await openSession({ url: proxy.url, name: "cut off" }, () => {});
  const js = withConsumers(cutOff.js, (consumer) => ({
    consume(options: ConsumeOptions) {
      proxy.stall("to_client");
      setTimeout(() => {
        proxy.cut();
        proxy.heal();
      }, 300);
      return consumer.consume(options);
    },
  }));
  expect(await read(1, js, cutOff)).toEqual([1, 2, 3, 4]);
  await cutOff.close();
});

it("a replica that is behind, and says that nothing is pending or leaves something out, is not believed", async () => {
  const empty = withConsumers(session.js, (consumer) => ({
    info: async () => ({ ...(await consumer.info()), num_pending: 0 }),
  }));
  expect(await read(1, empty)).toEqual([1, 2, 3, 4]);
  const halfWay = withMessages(session.js, (message) => {
    const pending = message.seq < 2 ? message.info.pending : 0;
    return Object.create(message, { info: { value: { ...message.info, pending } } });
  });
  expect(await read(1, halfWay)).toEqual([1, 2, 3, 4]);
  const withoutTheSecond = withMessages(session.js, (message) => (message.seq === 2 ? undefined : message));
  expect(await read(1, withoutTheSecond)).toEqual([1, 2, 3, 4]);
});

it("a reading that is placed where nobody answers comes from the leader, within 2 s", async () => {
  const nowhere = Object.create(session.js, { consumers: { value: { get: () => new Promise(() => {}) } } });
  const fromMs = performance.now();
  expect(await read(1, nowhere)).toEqual([1, 2, 3, 4]);
  expect(performance.now() - fromMs).toBeLessThan(2000);
});

it("reads to what is the end", async () => {
  expect(await read(1)).toEqual([1, 2, 3, 4]);
  expect(await read(4)).toEqual([4]);
  expect(await read(5)).toEqual([]);
});

it("comes to an end where the last messages were purged by their subject", async () => {
  await session.jsm.streams.purge("T", { filter: "t.b" });
  expect(await read(3)).toEqual([]);
  expect(await read(1)).toEqual([1, 2]);
});
