import specs from "@asyncapi/specs";
import { Ajv } from "ajv";
import { Ajv2020 } from "ajv/dist/2020.js";
import { describe, expect, it } from "vitest";
import { orderType } from "../../machines/order/order.ts";
import type { ActorType } from "../../src/actor/actor-type.ts";
import { rehearsalOf } from "../../src/demo/traffic.ts";
import { asyncApi } from "../../src/wire/asyncapi.ts";
import { contractDocument, type JsonSchema } from "../../src/wire/json-schemas.ts";
import { encodeTick } from "../../src/wire/tick.ts";
import { runCli } from "../e2e/cli-run.ts";
import { waitingType } from "../flow/waiting-type.ts";
import { invoice } from "../invoice.ts";
import { openPath } from "../ops/order-path.ts";

const type = orderType as ActorType;

/** Formats are told to readers, not checked: RFC 3339 is more than what checkers of `date-time` agree on. */
const ajv = new Ajv2020({ validateFormats: false }).addSchema(contractDocument(type), "contract");

function schemaNamed(name: string) {
  const validate = ajv.getSchema(`contract#/$defs/${name}`);
  if (validate === undefined) throw new Error(`no schema ${name}`);
  return validate;
}

const traffic = rehearsalOf(type).traffic({
  actors: 60,
  seed: 7,
  duplicates: 0.2,
  late: 0.1,
  fail: 0.4,
  shuffle: 20,
  malformed: 0,
});
/** Some publishers put their events into CloudEvents: the schema is that of what is inside. */
const bodies = traffic.map(({ body }) => JSON.parse(body as string)).map((body) => body.data ?? body);

/** Its actors can wait for a time. */
const waiting = waitingType();
/** Its events have dots. */
const dotted = invoice as unknown as ActorType;

describe("JSON Schemas", () => {
  it("describe a tick where time can pass, as nothing that a publisher may send", () => {
    const ajv = new Ajv2020({ validateFormats: false }).addSchema(contractDocument(waiting), "claims");
    const tick = JSON.parse(encodeTick(waiting, "c-1", "2026-01-01T00:00:00.000Z"));
    expect(ajv.validate("claims#/$defs/TimePassed", tick), JSON.stringify(ajv.errors)).toBe(true);
    expect(ajv.validate("claims#/$defs/TimePassed", { ...tick, eventId: "e-1" })).toBe(false);
    expect(ajv.validate("claims#/$defs/Event", tick)).toBe(false);
    expect(contractDocument(type).$defs).not.toHaveProperty("TimePassed");
  });

  it("accept every event that natstate accepts", () => {
    const isEvent = schemaNamed("Event");
    expect(bodies.length).toBeGreaterThan(200);
    for (const body of bodies) expect(isEvent(body), JSON.stringify([body, isEvent.errors])).toBe(true);
  });

  it("refuse an event with a field missing or wrong", () => {
    const isEvent = schemaNamed("Event");
    const payment = bodies.find((body) => body.eventType === "PaymentProcessed");
    for (const wrong of [
      { amount: -1 },
      { status: "maybe" },
      { timestamp: undefined },
      { orderId: "a b" },
      { eventId: "" },
    ]) {
      const body = JSON.parse(JSON.stringify({ ...payment, ...wrong }));
      expect(isEvent(body), JSON.stringify(wrong)).toBe(false);
    }
  });

  it("accept every decision that natstate publishes, and each names its type", () => {
    using path = openPath();
    const { decisions } = path.apply(...bodies);
    const kinds = new Set(decisions.map((row) => row.decisionType));
    expect(kinds).toEqual(new Set(type.decisionTypes));
    const isDecision = schemaNamed("Decision");
    for (const { payload, decisionType } of decisions) {
      const body = JSON.parse(payload);
      expect(isDecision(body), payload).toBe(true);
      expect(schemaNamed(decisionType)(body)).toBe(true);
      expect(isDecision({ ...body, revision: 0 })).toBe(false);
      expect(isDecision({ ...body, decisionType: "Other" })).toBe(false);
    }
  });

  it("say of each decision type what fields it has", () => {
    expect(Object.keys(type.decisions ?? {})).toEqual(type.decisionTypes);
    const confirmed = (contractDocument(type).$defs as Record<string, JsonSchema>).OrderConfirmed;
    expect(confirmed?.required).toEqual(
      expect.arrayContaining(["orderId", "revision", "warehouseId", "estimatedDays"]),
    );
  });
});

describe("the AsyncAPI document", () => {
  const document = asyncApi(type, "1.2.3");

  it("is valid by AsyncAPI's own meta-schema", () => {
    const ajv = new Ajv({ strict: false, validateFormats: false, meta: false, validateSchema: false });
    const validate = ajv.compile(specs.schemas["3.0.0"]);
    expect(validate(asyncApi(waiting, "1.2.3")), JSON.stringify(validate.errors?.slice(0, 5), null, 2)).toBe(true);
    expect(validate(asyncApi(dotted, "1.2.3")), JSON.stringify(validate.errors?.slice(0, 5), null, 2)).toBe(true);
    expect(validate(document), JSON.stringify(validate.errors?.slice(0, 5), null, 2)).toBe(true);
    expect(validate({ ...document, channels: { decisions: { address: 1 } } })).toBe(false);
  });

  it("refers only to what it holds", () => {
    const references = [...JSON.stringify(document).matchAll(/"\$ref":"#\/([^"]+)"/g)].map(([, path]) => path ?? "");
    expect(references.length).toBeGreaterThan(30);
    for (const path of references) {
      const found = path.split("/").reduce<unknown>((at, key) => (at as Record<string, unknown>)?.[key], document);
      expect(found, path).toBeDefined();
    }
  });

  it("says that natstate sends ticks, and hears them, where time can pass", () => {
    const { channels, operations } = asyncApi(waiting, "1.2.3") as Record<string, Record<string, object>>;
    expect(channels?.TimePassed).toMatchObject({ address: "claims.{claimId}.TimePassed" });
    expect(operations).toMatchObject({
      sendTimePassed: { action: "send", channel: { $ref: "#/channels/TimePassed" } },
      receiveTimePassed: { action: "receive" },
    });
    expect(document.channels).not.toHaveProperty("TimePassed");
  });

  it("names every subject of the wire contract", () => {
    const channels = Object.values(document.channels as Record<string, { address: string | null }>);
    expect(channels.map(({ address }) => address).filter((address) => address !== null)).toEqual([
      "orders.{orderId}.OrderCreated",
      "orders.{orderId}.PaymentProcessed",
      "orders.{orderId}.InventoryReserved",
      "orders.{orderId}.ShippingCalculated",
      "orders.{orderId}.LoyaltyPointsUpdated",
      "decisions.orders.{orderId}",
      "deadletters.orders.{reason}",
      "natstate.orders.get.{orderId}",
      "natstate.orders.history.{orderId}",
      "natstate.orders.list",
      "natstate.orders.stats",
    ]);
  });

  it("an event type with dots has a colon for each in its address", () => {
    expect(asyncApi(dotted, "1.2.3")).toMatchObject({
      channels: { "payment.refund.card": { address: "invoices.{invoiceId}.payment:refund:card" } },
    });
  });

  it("is generic: another actor type gives its own", () => {
    const parcel = { ...type, name: "parcel", collection: "parcels", idField: "parcelId" };
    const { decisions: _, ...undescribed } = parcel;
    for (const other of [parcel, undescribed]) {
      const text = JSON.stringify(asyncApi(other, "1.0.0"));
      expect(text).toContain('"decisions.parcels.{parcelId}"');
      expect(text).not.toMatch(/orderId|orders\./);
    }
  });
});

describe("natstate schema", () => {
  it("prints either, and nothing else", async () => {
    const [schemas, api] = await Promise.all([runCli(["schema"], {}), runCli(["schema", "--format", "asyncapi"], {})]);
    expect([schemas.code, api.code], schemas.stderr + api.stderr).toEqual([0, 0]);
    expect(JSON.parse(schemas.stdout)).toEqual(JSON.parse(JSON.stringify(contractDocument(type))));
    expect(JSON.parse(api.stdout)).toMatchObject({
      asyncapi: "3.0.0",
      info: { version: expect.stringMatching(/^\d/) },
    });
  });
});
