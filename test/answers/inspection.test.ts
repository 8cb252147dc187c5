import { readFileSync } from "node:fs";
import { createInspector, type StatelyInspectionEvent } from "@statelyai/inspect";
import { expect, test } from "vitest";
import { createActor, createMachine } from "xstate";
import { PAST_EVENTS } from "../../src/answers/inspected-actor.ts";
import {
  createInspections,
  type InspectionEnd,
  type InspectionRequest,
  type Inspections,
  type InspectionsOptions,
} from "../../src/answers/inspection.ts";
import { type InspectionMessage, PROTOCOL_VERSION } from "../../src/answers/inspection-messages.ts";
import type { Delivery } from "../../src/flow/delivery.ts";
import { orderLane } from "../flow/delivery.ts";
import { orderEvent } from "../flow/order-events.ts";
import { openStation, type Station } from "../flow/station.ts";
import { thingEvent, thingLane, thingType } from "../flow/things.ts";
import { until } from "../until.ts";

const { type: order } = orderLane;

interface Watching {
  readonly inspections: Inspections;
  readonly errors: Error[];
  /** Applies a batch, and lets the inspectors see it, as the daemon does. */
  apply(...deliveries: Delivery[]): void;
}

function watch(station: Station, options: Partial<InspectionsOptions> = {}): Watching {
  const errors: Error[] = [];
  const inspections = createInspections({
    journal: station.journal,
    laneOf: () => orderLane,
    owns: () => true,
    onError: (error) => errors.push(error),
    ...options,
  });
  return {
    inspections,
    errors,
    apply: (...deliveries) => inspections.committed(station.processor.apply(deliveries), 1, 1),
  };
}

/** Collects what one inspector is told. */
function inspector(request: Partial<InspectionRequest> = {}) {
  const messages: InspectionMessage[] = [];
  const ends: InspectionEnd[] = [];
  const tell = (json: string) => {
    messages.push(JSON.parse(json));
    return undefined;
  };
  return {
    messages,
    ends,
    request: { redact: false, tell, onEnd: (end: InspectionEnd) => ends.push(end), ...request },
  };
}

/** What happened, in short: type, event, state. */
function story(messages: readonly InspectionMessage[]) {
  return messages.map((message) => [
    message.type,
    ...("event" in message ? [message.event.type] : []),
    ...("snapshot" in message ? [message.snapshot.value] : []),
  ]);
}

const beginning = [
  ["@xstate.actor", "pending"],
  ["@xstate.event", "xstate.init"],
  ["@xstate.snapshot", "xstate.init", "pending"],
];

test("an inspector is told the past first, then what happens, each event with the snapshot it led to", () => {
  using station = openStation();
  const { inspections, apply } = watch(station);
  apply(orderEvent(1, "o", "PaymentProcessed", 2), orderEvent(2, "o", "OrderCreated", 1));
  const { messages, request } = inspector();
  inspections.open(order, "o", request);
  const past = [
    ...beginning,
    ["@xstate.event", "PaymentProcessed"],
    ["@xstate.snapshot", "PaymentProcessed", "pending"],
    ["@xstate.event", "OrderCreated"],
    ["@xstate.snapshot", "OrderCreated", "processing"],
  ];
  expect(story(messages)).toEqual(past);

  apply(orderEvent(3, "other", "OrderCreated", 1), orderEvent(4, "o", "InventoryReserved", 3));
  apply(
    orderEvent(5, "o", "InventoryReserved", 3),
    orderEvent(6, "o", "PaymentProcessed", { second: 1, status: "failed" }),
  );
  expect(story(messages).slice(past.length)).toEqual([
    ["@xstate.event", "InventoryReserved"],
    ["@xstate.snapshot", "InventoryReserved", "confirmed"],
    // The duplicate never reached the machine; the superseded one did, and changed nothing.
    ["@xstate.event", "PaymentProcessed"],
    ["@xstate.snapshot", "PaymentProcessed", "confirmed"],
  ]);
  expect(new Set(messages.map(({ id }) => id)).size).toBe(messages.length);
  expect(messages.at(-1)).toMatchObject({ sessionId: "orders:o", rootId: "orders:o", _version: PROTOCOL_VERSION });
  expect(messages.at(-1)?.createdAt).toBe(String(Date.parse("2026-03-01T00:00:00Z") + 6));
});

test("the messages are those Stately's own inspector makes of the same actor", async () => {
  using station = openStation();
  const { inspections, apply } = watch(station);
  const { messages, request } = inspector();
  inspections.open(order, "o", request);
  const theirs: StatelyInspectionEvent[] = [];
  const stately = createInspector({ send: (message) => theirs.push(structuredClone(toJson(message))) });
  const actor = createActor(order.machine, { id: "o", input: { id: "o" }, inspect: stately.inspect });
  actor.start();
  for (const [sequence, type] of (["OrderCreated", "PaymentProcessed", "InventoryReserved"] as const).entries()) {
    const delivery = orderEvent(sequence + 1, "o", type, sequence + 1);
    const { eventId, timestamp, orderId: _, eventType, ...data } = JSON.parse(Buffer.from(delivery.body).toString());
    apply(delivery);
    actor.send({ type: eventType, eventId, timestamp, data });
  }
  await until("all are told", () => theirs.length >= messages.length);
  // Their ids are null; ours tell messages apart, name the order, and say when its stream stored the event.
  const comparable = ({
    id: _,
    createdAt,
    sessionId,
    rootId,
    ...rest
  }: InspectionMessage | StatelyInspectionEvent) => ({
    ...rest,
    // Stately's sorts the names in the definition, and looks at the actor a moment later.
    ...(rest.type === "@xstate.actor" ? { definition: JSON.parse(rest.definition ?? ""), snapshot: null } : {}),
    types: [typeof createdAt, typeof sessionId, typeof rootId],
  });
  expect(messages.map(comparable)).toEqual(theirs.map(comparable));
});

test("an actor that is inspected does not execute its machine's own actions", () => {
  let executed = 0;
  const lane = thingLane({
    ...thingType(),
    machine: createMachine({ on: { Spoiled: { actions: () => executed++ } } }),
  });
  using station = openStation();
  const { inspections, apply } = watch(station, { laneOf: () => lane });
  apply(thingEvent(lane, 1, "t", "Spoiled"));
  const { messages, request } = inspector();
  inspections.open(lane.type, "t", request);
  apply(thingEvent(lane, 2, "t", "Spoiled"));
  expect(messages.filter(({ type }) => type === "@xstate.event")).toHaveLength(3);
  expect(executed).toBe(0);
});

test("the protocol's version is that of the package it is tested against", () => {
  const manifest = new URL("../../node_modules/@statelyai/inspect/package.json", import.meta.url);
  expect(JSON.parse(readFileSync(manifest, "utf8")).version).toBe(PROTOCOL_VERSION);
});

test("redacted messages carry no value of an event or of the context, and the machine still knows them", () => {
  using station = openStation();
  const { inspections, apply } = watch(station);
  const { messages, request } = inspector({ redact: true });
  inspections.open(order, "o", request);
  apply(orderEvent(1, "o", "OrderCreated", 1), orderEvent(2, "o", "PaymentProcessed", 2));
  apply(orderEvent(3, "o", "InventoryReserved", 3));
  expect(messages.filter(({ type }) => type === "@xstate.event")).toHaveLength(4);
  const text = JSON.stringify(messages);
  for (const secret of ["customer-456", "99.99", "USD", "warehouse-west"]) expect(text).not.toContain(secret);
  expect(messages.at(-1)).toMatchObject({
    event: { type: "InventoryReserved", eventId: "InventoryReserved-3", data: { warehouseId: "string" } },
    snapshot: { value: "confirmed", context: { customer: { data: { totalAmount: "number", currency: "string" } } } },
  });
});

test.each(["merge", "event-time"] as const)("redacted messages carry no value of an output either (%s)", (ordering) => {
  const lane = thingLane({
    ...thingType({ ordering }),
    machine: createMachine({
      context: ({ input }: { input: { id: string } }) => ({ card: `4111-${input.id}` }),
      initial: "open",
      states: { open: { on: { Closed: "closed" } }, closed: { type: "final" } },
      output: ({ context }) => ({ card: context.card, tries: 3 }),
    }),
  });
  using station = openStation();
  const { inspections, apply } = watch(station, { laneOf: () => lane });
  const { messages, request } = inspector({ redact: true });
  inspections.open(lane.type, "t", request);
  apply(thingEvent(lane, 1, "t", "Closed"));
  expect(messages.at(-1)).toMatchObject({
    snapshot: { status: "done", value: "closed", output: { card: "string", tries: "number" } },
  });
  expect(JSON.stringify(messages)).not.toContain("4111-t");
});

test("an actor nobody has heard of is told in its initial state, and then its first event", () => {
  using station = openStation();
  const { inspections, apply } = watch(station);
  const { messages, request } = inspector();
  inspections.open(order, "o", request);
  expect(story(messages)).toEqual(beginning);
  apply(orderEvent(1, "o", "OrderCreated", 1));
  expect(story(messages).at(-1)).toEqual(["@xstate.snapshot", "OrderCreated", "processing"]);
});

test("an actor with a long past is told as it is now, from its snapshot or, when that is damaged, from its events", () => {
  using station = openStation();
  const { inspections, apply } = watch(station);
  const payments = Array.from({ length: PAST_EVENTS }, (_, n) => orderEvent(n + 1, "o", "PaymentProcessed", n));
  apply(...payments, orderEvent(PAST_EVENTS + 1, "o", "InventoryReserved", 1));
  const tellNow = () => {
    const { messages, request } = inspector();
    inspections.open(order, "o", request);
    return messages;
  };
  const messages = tellNow();
  expect(story(messages)).toEqual([
    ["@xstate.actor", "confirmed"],
    ["@xstate.event", "xstate.init"],
    ["@xstate.snapshot", "xstate.init", "confirmed"],
  ]);
  station.db.prepare("UPDATE actors SET snapshot = replace(snapshot, 'confirmed', 'pending')").run();
  expect(tellNow()).toEqual(messages);
});

test("a past of more than 4 MiB is not told either", () => {
  using station = openStation();
  const { inspections, apply } = watch(station);
  const items = Array.from({ length: 200 }, (_, n) => ({ sku: `${n}-${"x".repeat(200)}`, quantity: 1 }));
  apply(...Array.from({ length: 60 }, (_, n) => orderEvent(n + 1, "o", "OrderCreated", { second: 100 - n, items })));
  const { messages, request } = inspector();
  inspections.open(order, "o", request);
  expect(story(messages)[0]).toEqual(["@xstate.actor", "processing"]);
  expect(messages).toHaveLength(3);
});

test("no more inspectors than may be, none of another daemon's actors, and a closed one makes room", () => {
  using station = openStation();
  const { inspections } = watch(station, { maxInspectors: 2 });
  const first = inspections.open(order, "o", inspector().request);
  inspections.open(order, "p", inspector().request);
  expect(inspections.open(order, "q", inspector().request)).toBe("full");
  if (typeof first === "string") throw new Error(first);
  first.close();
  first.close();
  expect(inspections.count()).toBe(1);
  expect(typeof inspections.open(order, "q", inspector().request)).toBe("object");
  expect(watch(station, { owns: () => false }).inspections.open(order, "o", inspector().request)).toBe("elsewhere");
});

test("inspections end with the ownership of their lane, and each is told once", () => {
  using station = openStation();
  const { inspections, apply } = watch(station);
  const { messages, ends, request } = inspector();
  inspections.open(order, "o", request);
  inspections.released([{ ...orderLane, partition: 4 }]);
  expect(ends).toEqual([]);
  inspections.released([orderLane]);
  inspections.released([orderLane]);
  expect(ends).toEqual(["elsewhere"]);
  apply(orderEvent(1, "o", "OrderCreated", 1));
  expect(story(messages)).toEqual(beginning);
});

test("an inspector that throws or takes no more is ended, and the batch and the other inspectors do not notice", () => {
  using station = openStation();
  const { inspections, apply, errors } = watch(station);
  let takes = 0;
  const slow = inspector({ tell: () => (++takes > beginning.length ? "slow" : undefined) });
  let isBroken = false;
  const broken = inspector({
    tell() {
      if (isBroken) throw new Error("gone");
      return undefined;
    },
  });
  const well = inspector();
  for (const { request } of [slow, broken, well]) inspections.open(order, "o", request);
  isBroken = true;
  apply(orderEvent(1, "o", "OrderCreated", 1));
  apply(orderEvent(2, "o", "PaymentProcessed", 2));
  expect([slow.ends, broken.ends, well.ends]).toEqual([["slow"], ["failed"], []]);
  expect(errors.map(({ message }) => message)).toEqual(["gone"]);
  expect(takes).toBe(beginning.length + 1);
  expect(well.messages).toHaveLength(beginning.length + 4);
  expect(station.row("o")).toMatchObject({ state: "processing", events: 2 });
});

function toJson<Value>(value: Value): Value {
  return JSON.parse(JSON.stringify(value));
}

test("a retired order is not told as one that nobody has heard of", () => {
  using station = openStation();
  const { inspections } = watch(station, { isRetired: (_, id) => id === "old" });
  expect(inspections.open(order, "old", inspector().request)).toBe("retired");
  expect(inspections.open(order, "new", inspector().request)).toMatchObject({ close: expect.any(Function) });
});
