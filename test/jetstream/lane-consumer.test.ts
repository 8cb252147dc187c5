import { headers } from "@nats-io/transport-node";
import { expect, it } from "vitest";
import { examineConsumer } from "../../src/jetstream/lane-consumer.ts";
import { until } from "../until.ts";
import { lane, publish, publishAs, published, range, read, session, useLane } from "./lane-reading.ts";

useLane();

it("a deleted consumer is made anew and nothing is missed", async () => {
  await using reading = read(published - 10);
  await until("caught up", () => reading.checkpoint === published);
  await session.jsm.consumers.delete("ORDERS", "orders-0");
  await publish(5);
  await until("read on", () => reading.checkpoint === published);
  expect(reading.sequences).toEqual(range(published - 14, published));
  expect(reading.doubts).toContain("consumer_lost");
});

it("a consumer that somebody reset is noticed, and nothing is applied out of order", async () => {
  await using reading = read(published - 10);
  await until("caught up", () => reading.checkpoint === published);
  await session.jsm.consumers.reset("ORDERS", "orders-0", 1);
  await publish(3);
  await until("read on", () => reading.checkpoint === published);
  expect(reading.sequences).toEqual(range(published - 12, published));
  expect(reading.doubts).toContain("gap");
});

it.each([
  ["another partition's messages", { filter_subject: "orders.1.>" }],
  ["some of its messages only", { filter_subject: "orders.0.*.Y" }],
  ["headers only", { headers_only: true }],
])(
  "a consumer that somebody made give %s gives what it gave, and nothing is missed or doubled",
  async (_name, edit) => {
    await using reading = read(published - 10);
    await until("caught up", () => reading.checkpoint === published);
    const from = published;
    await session.jsm.consumers.update("ORDERS", "orders-0", edit);
    await publish(3);
    const { reader } = reading;
    await until("read on", async () => {
      const info = await session.jsm.consumers.info("ORDERS", "orders-0");
      const { isChanged } = examineConsumer(lane, info);
      if (isChanged && reader.isReading()) reader.doubt("consumer_changed");
      return !isChanged && reading.checkpoint === published;
    });
    expect(reading.sequences).toEqual(range(from - 9, published));
    expect(reading.mended.join()).toContain(Object.keys(edit)[0]);
  },
);

it("a message that comes without the body that is stored ends the session, before anybody looked", async () => {
  await using reading = read(published - 10);
  await until("caught up", () => reading.checkpoint === published);
  await session.jsm.consumers.update("ORDERS", "orders-0", { headers_only: true });
  await publish(3);
  await until("read on", () => reading.checkpoint === published);
  expect(reading.sequences).toEqual(range(published - 12, published));
  expect(reading.bodies).not.toContain("");
  expect(reading.doubts).toContain("consumer_changed");
});

it("an empty message whose publisher says it had a body is given on as it is", async () => {
  await using reading = read(published);
  await until("reading", () => reading.reader.isReading());
  const header = headers();
  header.set("Nats-Msg-Size", "17");
  await publishAs("orders.empty.X", "", header);
  await publish(1);
  await until("read on", () => reading.checkpoint === published);
  expect(reading.bodies).toEqual(["", "{}"]);
  expect(reading.doubts).toEqual([]);
});

it("where consumers may not be changed, a changed one is not read, and the command that mends it is told", async () => {
  await using reading = read(published);
  await until("reading", () => reading.reader.isReading());
  await reading.reader.release();
  await session.jsm.consumers.update("ORDERS", "orders-0", { headers_only: true, max_ack_pending: 7 });
  await using other = read(published, undefined, session, { manage: false });
  const trouble = await until("told", () => other.reader.trouble());
  expect(trouble).toMatch(
    /headers_only is true, .*nats consumer edit ORDERS orders-0 --max-pending 2000 --no-headers-only$/,
  );
  expect(other.reader.isReading()).toBe(false);
  await session.jsm.consumers.update("ORDERS", "orders-0", { headers_only: false, max_ack_pending: 2000 });
  await until("reading again", () => other.reader.isReading());
  expect(other.reader.trouble()).toBeUndefined();
});
