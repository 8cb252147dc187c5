import { MsgHdrsImpl } from "@nats-io/nats-core/internal";
import { headers } from "@nats-io/transport-node";
import fc from "fast-check";
import { afterAll, beforeAll, expect, it } from "vitest";
import { decode, MAX_HEADERS } from "../../src/flow/decode.ts";
import { type StoredMessage, toDelivery } from "../../src/flow/delivery.ts";
import { readDirect } from "../../src/jetstream/direct-reader.ts";
import { messagesOn } from "../../src/jetstream/leader-reader.ts";
import { headersOf, readHeaderBlock, readHeaders } from "../../src/jetstream/message-headers.ts";
import { deadLetterMessage } from "../../src/jetstream/outbox-messages.ts";
import { openSession, type Session } from "../../src/jetstream/session.ts";
import { readStream } from "../../src/jetstream/stream-reader.ts";
import { deliver, orderLane } from "../flow/delivery.ts";
import { orderEvent } from "../flow/order-events.ts";
import { openStation } from "../flow/station.ts";
import { publishRaw } from "../raw-publisher.ts";
import { startTestServer, type TestServer } from "../server.ts";
import { until } from "../until.ts";

/** As the package has it; a connection replaces it. */
const theirs = MsgHdrsImpl.decode;
const MANY = 9000;

let server: TestServer;
let session: Session;

beforeAll(async () => {
  server = await startTestServer();
  session = await openSession({ url: server.url, name: "test" }, () => {});
  await session.jsm.streams.add({ name: "KEPT", subjects: ["kept.>"], allow_direct: true });
});
afterAll(async () => {
  await session.close();
  await server.stop();
});

const block = (lines: readonly string[], version = "NATS/1.0") =>
  new TextEncoder().encode([version, ...lines, "", ""].join("\r\n"));
const emptyOnes = (count: number) => Array.from({ length: count }, (_, index) => `${index.toString(36)}:`);

it("headers are read as the client itself reads them, in any number up to the bound", () => {
  const name = fc.string({ unit: fc.constantFrom(..."aB-_1"), minLength: 1, maxLength: 4 });
  const value = fc.string({ maxLength: 12 }).map((text) => text.replace(/[\r\n]/g, ""));
  const line = fc.tuple(name, value).map(([key, text]) => `${key}: ${text}`);
  const version = fc.constantFrom("NATS/1.0", "NATS/1.0 404 No Messages", "NATS/1.0 503", "NATS/1.0   ");
  fc.assert(
    fc.property(fc.array(line, { maxLength: 300 }), version, (lines, first) => {
      const bytes = block(lines.slice(0, MAX_HEADERS), first);
      const [read, expected] = [readHeaderBlock(bytes), theirs(bytes)];
      expect([...read]).toEqual([...expected]);
      expect([read.code, read.description]).toEqual([expected.code, expected.description]);
    }),
  );
});

it("headers to be sent are written as the client's own are, and refuse a value of two lines as those do", () => {
  const text = fc.string({ unit: "grapheme", maxLength: 8 }).filter((value) => !/[\r\n]/.test(value));
  const values = fc.dictionary(fc.stringMatching(/^[A-Za-z][A-Za-z-]{0,6}$/), text, { maxKeys: 6 });
  fc.assert(
    fc.property(values, (given) => {
      const expected = headers();
      for (const [name, value] of Object.entries(given)) expected.set(name, value);
      expect(Buffer.from((headersOf(given) as MsgHdrsImpl).encode())).toEqual(
        Buffer.from((expected as MsgHdrsImpl).encode()),
      );
    }),
  );
  for (const lines of ["a\r\nNats-Rollup: all", "a\n", "\ra"]) expect(() => headersOf({ lines })).toThrow("header");
});

it("a line that cannot be read is passed over, alone", () => {
  const bytes = block(["good: 1", "not good: 2", "no colon", "bad: a\nb", "good: 3"]);
  expect([...readHeaderBlock(bytes)]).toEqual([["good", ["1", "3"]]]);
});

it("64 KiB of headers take no longer than their bytes", () => {
  const bytes = block(emptyOnes(MANY));
  readHeaderBlock(bytes);
  const tookMs = Array.from({ length: 20 }, () => {
    const startedMs = performance.now();
    readHeaderBlock(bytes);
    return performance.now() - startedMs;
  });
  // 381 ms each time when it grows with the square of their number, here 1.
  expect(Math.min(...tookMs)).toBeLessThan(30);
});

/** Publishes, and waits until the stream has it: the server says PONG before. */
async function store(subject: string, lines: Uint8Array, body: string): Promise<void> {
  const end = async () => (await session.jsm.streams.info("KEPT")).state.last_seq;
  const before = await end();
  await publishRaw(server.url, subject, lines, body);
  await until("it is stored", async () => (await end()) > before);
}

it("what the server says of a message stands, whatever its publisher wrote there", async () => {
  const lies = ["Nats-Sequence: 777", "Nats-Subject: lie", "Nats-Stream: LIE", "Nats-Time-Stamp: 2001-01-01T00:00:00Z"];
  for (const lines of [lies, [...lies, ...emptyOnes(MANY), ...lies]]) {
    await store("kept.lies", block(lines, "NATS/1.0 404 No Messages"), "body");
  }
  const found = await readDirect(session, "KEPT", { seq: 1, batch: 10, next_by_subj: "kept.lies" });
  expect(found.map(({ sequence, subject }) => [sequence, subject])).toEqual([
    [1, "kept.lies"],
    [2, "kept.lies"],
  ]);
  expect(readHeaderBlock(block(["Nats-Pin-Id: lie", "Nats-Pin-Id: true"])).get("Nats-Pin-Id")).toBe("true");
});

it("a pin's messages share their headers only where their publishers have set none", () => {
  const [pinned, again] = [block(["Nats-Pin-Id: x"]), block(["Nats-Pin-Id: x"])];
  expect(readHeaderBlock(again)).toBe(readHeaderBlock(pinned));
  expect(readHeaders(readHeaderBlock(again)).header("nats-pin-id")).toBe("x");
  expect(readHeaders(readHeaderBlock(again)).headers()).toEqual([["Nats-Pin-Id", "x"]]);
  expect(readHeaderBlock(block(["Nats-Pin-Id: y"])).get("Nats-Pin-Id")).toBe("y");
  // Two of them: what the publisher wrote comes first, and differs from one to the next.
  const lie = () => readHeaderBlock(block(["Nats-Pin-Id: x", "Nats-Pin-Id: y"]));
  expect(lie().get("Nats-Pin-Id")).toBe("y");
  const own = readHeaderBlock(block(["Nats-Pin-Id: x", "traceparent: t"]));
  expect(own).not.toBe(readHeaderBlock(block(["Nats-Pin-Id: x", "traceparent: t"])));
  expect(readHeaders(own).header("Traceparent")).toBe("t");
});

it("headers of the server count for nothing, so that every reader comes to the same number", () => {
  const own = emptyOnes(MAX_HEADERS);
  expect(readHeaders(readHeaderBlock(block([...own, "Nats-Pin-Id: x", "Nats-Stream: y"]))).headerCount).toBeUndefined();
  expect(readHeaders(readHeaderBlock(block([...own, "one: more"]))).headerCount).toBe(MAX_HEADERS + 1);
});

it("a valid event with more headers than are read is dead-lettered, and every reader says the same", async () => {
  const { body } = orderEvent(1, "o", "PaymentProcessed", 1);
  const text = new TextDecoder().decode(body);
  await store("kept.3.o.PaymentProcessed", block(emptyOnes(MANY)), text);
  const { state } = await session.jsm.streams.info("KEPT");
  const read: StoredMessage[] = [
    ...(await Array.fromAsync(readStream(session, "KEPT", { from: state.last_seq }))).flat(),
    ...(await Array.fromAsync(messagesOn(session.jsm, "KEPT", "kept.3.o.*"))),
    ...(await readDirect(session, "KEPT", { seq: state.last_seq, batch: 1 })),
  ];
  expect(read).toHaveLength(3);
  for (const message of read) {
    expect(decode(toDelivery(orderLane, message), { maxBytes: 65_536 })).toEqual({
      reason: "too_large",
      error: `headers: ${MANY}, at most ${MAX_HEADERS} are read`,
    });
  }
});

it("its dead letter keeps the bytes, and as many headers as can be read again", () => {
  using station = openStation();
  const bad = {
    ...deliver(1, "orders.o.PaymentProcessed", "bytes"),
    ...readHeaders(readHeaderBlock(block(emptyOnes(MANY)))),
  };
  const [row] = station.processor.apply([bad]).deadLetters;
  if (row === undefined) throw new Error("no dead letter");
  const { body, header } = deadLetterMessage(row);
  expect(Buffer.from(body).toString()).toBe("bytes");
  const again = readHeaders(header);
  const kept = again.headers().filter(([name]) => !name.startsWith("Nat"));
  expect(kept.length).toBeGreaterThan(200);
  expect(again.headers().length).toBeLessThanOrEqual(MAX_HEADERS);
  expect(again.header("Natstate-Headers-Left-Out")).toBe(String(MANY - kept.length));
});
