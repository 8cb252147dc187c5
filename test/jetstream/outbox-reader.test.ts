import { afterAll, beforeAll, expect, it } from "vitest";
import { readStream } from "../../src/jetstream/outbox-reader.ts";
import { openSession, type Session } from "../../src/jetstream/session.ts";
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

async function read(from: number): Promise<[number, number[]]> {
  const found: number[] = [];
  const collect = (batch: { sequence: number }[]) => void found.push(...batch.map(({ sequence }) => sequence));
  return [await readStream(session.jsm, session.js, "T", from, collect), found];
}

it("what was sent into a connection that was lost is not waited for for ever", async () => {
  await using proxy = await openProxy(server.port);
  const cutOff = await openSession({ url: proxy.url, name: "cut off" }, () => {});
  const js = Object.create(cutOff.js, {
    consumers: {
      value: {
        async get(...given: Parameters<Session["js"]["consumers"]["get"]>) {
          const consumer = await cutOff.js.consumers.get(...given);
          const consume: typeof consumer.consume = async (options) => {
            proxy.stall("to_client");
            setTimeout(() => {
              proxy.cut();
              proxy.heal();
            }, 300);
            return consumer.consume(options);
          };
          return Object.create(consumer, { consume: { value: consume } });
        },
      },
    },
  });
  await expect(readStream(cutOff.jsm, js, "T", 1, () => {})).rejects.toThrow(/could not be read to its end/);
  expect(await readStream(cutOff.jsm, cutOff.js, "T", 1, () => {})).toBe(4);
  await cutOff.close();
});

it("reads to what is the end", async () => {
  expect(await read(1)).toEqual([4, [1, 2, 3, 4]]);
  expect(await read(4)).toEqual([4, [4]]);
  expect(await read(5)).toEqual([4, []]);
});

it("comes to an end where the last messages were purged by their subject", async () => {
  await session.jsm.streams.purge("T", { filter: "t.b" });
  expect(await read(3)).toEqual([4, []]);
  expect(await read(1)).toEqual([4, [1, 2]]);
});
