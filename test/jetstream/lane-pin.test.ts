import { nanos } from "@nats-io/transport-node";
import { expect, it } from "vitest";
import { deliveredOf } from "../../src/jetstream/delivery-audit.ts";
import { openSession } from "../../src/jetstream/session.ts";
import { until } from "../until.ts";
import { publish, published, range, read, server, session, useLane } from "./lane-reading.ts";

useLane();

it("an owner that lost its pin stands back and the other reads from its own checkpoint", async () => {
  const other = await openSession({ url: server.url, name: "other" }, () => {});
  {
    await using first = read(published - 10);
    await until("caught up", () => first.checkpoint === published);
    await using second = read(published, undefined, other);
    await until("second is reading", () => second.reader.isReading());
    await publish(5);
    await until("second read on", () => second.checkpoint === published);
    expect(second.sequences).toEqual(range(published - 4, published));
    expect(first.checkpoint === published || first.checkpoint === published - 5).toBe(true);
  }
  await other.close();
});

it("a reset by another owner, between ours and the first delivery, skips nothing", async () => {
  const from = published - 10;
  let resets = 0;
  const consumers = Object.create(session.jsm.consumers, {
    reset: {
      async value(stream: string, name: string, sequence: number) {
        await session.jsm.consumers.reset(stream, name, sequence);
        if (resets++ === 0) await session.jsm.consumers.reset(stream, name, sequence + 5);
      },
    },
  });
  const raced = { ...session, jsm: Object.create(session.jsm, { consumers: { value: consumers } }) };
  await using reading = read(from, undefined, raced);
  await until("caught up", () => reading.checkpoint === published);
  expect(reading.sequences).toEqual(range(from + 1, published));
  expect(reading.doubts).toContain("gap");
});

it("a request that another client has left there does not get what is ours", async () => {
  const from = published - 10;
  const other = pullAway();
  await session.nc.flush();
  const startedMs = performance.now();
  await using reading = read(from);
  await until("caught up", () => reading.checkpoint === published);
  other.stop();
  expect(other.got()).toBeGreaterThan(0);
  expect(reading.sequences).toEqual(range(from + 1, published));
  expect(performance.now() - startedMs).toBeLessThan(2000);
});

it("what was delivered to another client is noticed when the server is asked, long before it comes again", async () => {
  const from = published - 10;
  let other: ReturnType<typeof pullAway> | undefined;
  const consumers = Object.create(session.jsm.consumers, {
    reset: {
      async value(stream: string, name: string, sequence: number) {
        await session.jsm.consumers.reset(stream, name, sequence);
        if (other !== undefined) return;
        other = pullAway();
        await until("it has them", () => (other?.got() ?? 0) === 10);
      },
    },
  });
  const raced = { ...session, jsm: Object.create(session.jsm, { consumers: { value: consumers } }) };
  await using reading = read(from, undefined, raced);
  await until("reading", () => reading.reader.isReading());
  expect(reading.reader.isCaughtUp()).toBe(false);
  const startedMs = performance.now();
  await until("caught up", async () => {
    const askedAtMs = performance.now();
    const info = await session.jsm.consumers.info("ORDERS", "orders-0");
    reading.reader.audit(deliveredOf(info, askedAtMs));
    await new Promise((resolve) => setTimeout(resolve, 100));
    return reading.reader.isCaughtUp();
  });
  other?.stop();
  expect(performance.now() - startedMs).toBeLessThan(4000);
  expect(reading.sequences).toEqual(range(from + 1, published));
  expect(reading.doubts).toEqual(["gap"]);
});

/** A pull that takes what it gets and never says a word, as that of an owner that has just been frozen. */
function pullAway(): { stop(): void; got(): number } {
  let got = 0;
  const inbox = session.newInbox();
  const subscription = session.nc.subscribe(inbox, {
    callback(_error, message) {
      if (message.data.length > 0) got++;
    },
  });
  const request = JSON.stringify({ batch: 1000, expires: nanos(20_000), group: "owner" });
  session.nc.publish("$JS.API.CONSUMER.MSG.NEXT.ORDERS.orders-0", request, { reply: inbox });
  return { stop: () => subscription.unsubscribe(), got: () => got };
}
