import { expect, it } from "vitest";
import { createMachine } from "xstate";
import { checkEvent } from "../../src/flow/check-event.ts";
import { decode, decodeStored } from "../../src/flow/decode.ts";
import { encodeTick, tickSubject } from "../../src/wire/tick.ts";
import { deliver, orderLane } from "./delivery.ts";
import { waitingLane } from "./waiting-type.ts";

const limits = { maxBytes: 65_536 };
/** Deliveries are stored at 2026-03-01T00:00:00.001Z. */
const due = "2026-02-28T23:00:00.000Z";
const lane = waitingLane();
const subject = tickSubject(lane.type, "c-1");

function read(body: object, of = lane, to = subject) {
  return decode(deliver(1, to, body, { lane: of }), limits);
}
const tick = (fields: object = {}) => ({ ...JSON.parse(encodeTick(lane.type, "c-1", due)), ...fields });

it("a tick is read as an observation without data, by what it says about whom", () => {
  expect(subject).toBe("claims.c-1.TimePassed");
  expect(tick()).toEqual({ claimId: "c-1", eventType: "TimePassed", eventId: `time:${due}`, timestamp: due });
  const read1 = read(tick({ amount: 5 }));
  expect(read1).toMatchObject({ actorId: "c-1", type: "TimePassed", eventId: `time:${due}`, timestamp: due, data: {} });
  expect(read1).toHaveProperty("data", {});
});

it.each([
  ["another time", { eventId: "time:2026-02-28T23:00:00.001Z" }],
  ["a time that is not normalised", { eventId: "time:2026-02-28T23:00:00Z", timestamp: "2026-02-28T23:00:00Z" }],
  ["none", { eventId: undefined }],
])("a tick whose id says %s is invalid", (_, fields) => {
  expect(read(tick(fields))).toMatchObject({ reason: "invalid_event", error: expect.stringContaining(`time:${due}`) });
});

it("the id says the time as it is normalised, however the timestamp is written", () => {
  expect(read(tick({ timestamp: "2026-03-01T00:00:00+01:00" }))).toMatchObject({ timestamp: due });
});

it("a tick from the time before a machine lost its delays is one all the same", () => {
  const type = { ...lane.type, machine: createMachine({ initial: "filed", states: { filed: { on: { Paid: {} } } } }) };
  expect(read(tick(), { ...lane, type })).toMatchObject({ type: "TimePassed", timestamp: due });
});

it("a tick about an actor of a type for which no time passes is an unknown event", () => {
  const about = { orderId: "o-1", eventType: "TimePassed", eventId: `time:${due}`, timestamp: due };
  expect(read(about, orderLane, "orders.o-1.TimePassed")).toMatchObject({ reason: "unknown_event_type" });
});

it("facts that are ahead of their storing by more than a minute expire nothing where time passes", () => {
  const paid = (timestamp: string) => ({ claimId: "c-1", eventType: "Paid", timestamp, amount: 1 });
  const to = "claims.c-1.Paid";
  expect(read(paid("2026-03-01T00:01:00.001Z"), lane, to)).toMatchObject({ type: "Paid" });
  expect(read(paid("2026-03-01T00:01:00.002Z"), lane, to)).toMatchObject({
    reason: "timestamp_out_of_range",
    error: expect.stringContaining("more than 60 s after the message was stored"),
  });
  expect(read(paid("2026-03-01T00:00:00.012Z"), waitingLane({ aheadMs: 10 }), to)).toMatchObject({
    reason: "timestamp_out_of_range",
  });
});

it("a tick from before its due time is read, to be ignored where that is counted", () => {
  const early = "2027-01-01T00:00:00.000Z";
  expect(read(JSON.parse(encodeTick(lane.type, "c-1", early)))).toMatchObject({ timestamp: early });
});

it("a tick from a row is one again", () => {
  expect(decodeStored(lane.type, "TimePassed", "{}")).toEqual({});
  expect(() => decodeStored(orderLane.type, "TimePassed", "{}")).toThrow("not one of order's");
});

it("nobody else publishes one: it is reserved, whatever the type", () => {
  for (const { type } of [lane, orderLane]) {
    const body = Buffer.from(encodeTick(type, "c-1", due));
    expect(checkEvent(type, { subject: tickSubject(type, "c-1"), body }, 65_536)).toMatchObject({
      reason: "reserved_type",
    });
  }
});
