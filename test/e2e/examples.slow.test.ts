import { rmSync } from "node:fs";
import { expect, it } from "vitest";
import { DECISION_ENVELOPE } from "../../src/actor/decision.ts";
import { readStream } from "../../src/jetstream/stream-reader.ts";
import { until } from "../until.ts";
import type { DaemonProcess } from "./daemon-process.ts";
import { getJson, openWorld, type World } from "./world.ts";

/* The examples beside the bundled order, in one daemon, over NATS: what holds for any statechart in any order of arrival. */

const ACTORS = { NATSTATE_ACTORS: "examples/actors.ts", NATSTATE_PARTITIONS: "4" };
const ID_FIELDS = { orders: "orderId", checkouts: "checkoutId", devices: "deviceId", claims: "claimId" } as const;
type Collection = keyof typeof ID_FIELDS;

interface Fact {
  readonly actor: `${Collection}/${string}`;
  readonly type: string;
  /** When it happened. */
  readonly atMs: number;
  readonly data?: object;
}

const MINUTE_MS = 60_000;
/** Long ago, so that every deadline in minutes has passed, and none in days. */
const start = Date.now() - 26 * 60 * MINUTE_MS;
const told = (actor: Fact["actor"], type: string, minute: number, data: object = {}): Fact => ({
  actor,
  type,
  atMs: start + minute * MINUTE_MS,
  data,
});

/** As they happened, actor by actor. */
const FACTS: readonly Fact[] = [
  told("checkouts/paid", "CheckoutStarted", 0, { total: 40 }),
  told("checkouts/paid", "PaymentReceived", 3, { amount: 15, method: "gift-card" }),
  told("checkouts/paid", "PaymentReceived", 29, { amount: 25, method: "card" }),
  told("checkouts/late", "CheckoutStarted", 0, { total: 40 }),
  told("checkouts/late", "PaymentDeclined", 29, { method: "card" }),
  told("checkouts/late", "PaymentReceived", 31, { amount: 40, method: "card" }),
  told("devices/hot", "Heartbeat", 0),
  told("devices/hot", "TemperatureMeasured", 1, { celsius: 85 }),
  told("devices/hot", "IntervalWanted", 2, { seconds: 5 }),
  told("devices/hot", "AlarmAcknowledged", 7, { by: "Ada" }),
  told("devices/hot", "IntervalReported", 8, { seconds: 5 }),
  told("claims/held", "ClaimFiled", 0, { amount: 900 }),
  told("claims/held", "DocumentReceived", 1, { document: "photos" }),
  told("claims/held", "DocumentReceived", 2, { document: "invoice" }),
  told("claims/held", "FraudSuspected", 3, { by: "Ada" }),
  told("claims/held", "InvestigationClosed", 4, { isFraud: false }),
  told("claims/held", "DamageAssessed", 5, { estimate: 700 }),
  told("claims/held", "ClaimApproved", 6, { amount: 700 }),
  told("claims/held", "PayoutMade", 7, { amount: 700 }),
  told("orders/o-1", "PaymentProcessed", 1, { amount: 20, status: "successful" }),
  told("orders/o-1", "InventoryReserved", 2, { reservedItems: { "sku-1": 2 }, warehouseId: "west" }),
];

const ENDS = {
  "checkouts/paid": ["paid", { decisionType: "CheckoutPaid", amount: 40 }],
  "checkouts/late": ["expired", { decisionType: "CheckoutClosed", reason: "expired", toReturn: 40 }],
  "devices/hot": [
    "connection.lost · temperature.overheated.acknowledged · settings.inSync",
    { decisionType: "DeviceAlarm", isLost: true, isTooHot: false, isDisobedient: false },
  ],
  "claims/held": ["settled", { decisionType: "ClaimClosed", outcome: "settled", paid: 700 }],
  "orders/o-1": ["confirmed", { decisionType: "OrderConfirmed", warehouseId: "west" }],
} as const;

async function publish({ session }: World, { actor, type, atMs, data }: Fact): Promise<void> {
  const [collection, id] = actor.split("/") as [Collection, string];
  const event = {
    [ID_FIELDS[collection]]: id,
    eventType: type,
    eventId: `${type}-${atMs}`,
    timestamp: new Date(atMs).toISOString(),
    ...data,
  };
  await session.js.publish(`${collection}.${id}.${type}`, JSON.stringify(event));
}

/** What a decision says, without how it came to say so: that is as it was when it first did. */
function contentOf(decision: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(decision).filter(([name]) => !DECISION_ENVELOPE.includes(name)));
}

/** Revisions as published, by actor. */
async function decisions({ session }: World): Promise<Map<string, Record<string, unknown>[]>> {
  const published = new Map<string, Record<string, unknown>[]>();
  for await (const batch of readStream(session, "DECISIONS")) {
    for (const { subject, body } of batch) {
      const actor = subject.replace(/^decisions\./, "").replace(".", "/");
      published.set(actor, [...(published.get(actor) ?? []), JSON.parse(Buffer.from(body).toString())]);
    }
  }
  return published;
}

/** Each actor as it ends, without what tells the order of arrival: revisions, causes, outcomes. */
async function rows(daemon: DaemonProcess): Promise<Record<string, unknown>> {
  const all: Record<string, unknown> = {};
  for (const [actor, [state, decision]] of Object.entries(ENDS)) {
    const row = await until(`${actor} is ${state}`, async () => {
      const found = await getJson(daemon, `/api/${actor}`);
      const isComplete = !found.catchingUp && found.version === FACTS.filter((fact) => fact.actor === actor).length;
      return isComplete && found.processingStatus === state && found.decision !== null && found;
    });
    expect(row.decision, actor).toMatchObject(decision);
    const { decision: standing, eventHistory, lastUpdated: _heardAt, ...rest } = row;
    const ids = eventHistory
      .map(({ eventId }: { eventId: string }) => eventId)
      .filter((id: string) => !/^time:/.test(id));
    all[actor] = { ...rest, decision: contentOf(standing), events: ids.sort() };
  }
  return all;
}

/** Tells all of it, the daemon killed in the middle and again at the end. @returns what came of it. */
async function tell(facts: readonly Fact[]) {
  await using world = await openWorld();
  let daemon = await world.start(ACTORS);
  const half = Math.floor(facts.length / 2);
  for (const fact of facts.slice(0, half)) await publish(world, fact);
  await daemon.kill9();
  for (const fact of facts.slice(half)) await publish(world, fact);
  daemon = await world.start(ACTORS);
  const ended = await rows(daemon);
  const said = await decisions(world);
  await daemon.kill9();
  daemon = await world.start(ACTORS);
  expect(await rows(daemon)).toEqual(ended);
  // Everything again: nothing of it is news.
  for (const fact of facts) await publish(world, fact);
  await until("all is a duplicate", async () => {
    const counts = await Promise.all(
      ["order", "checkout", "device", "claim"].map((type) => getJson(daemon, `/api/stats?type=${type}`)),
    );
    return counts.reduce((sum, { events }) => sum + events.duplicate, 0) >= facts.length;
  });
  expect(await rows(daemon)).toEqual(ended);
  expect(await decisions(world)).toEqual(said);
  // All that is kept beside the streams is lost.
  await daemon.kill9();
  rmSync(world.dataDir, { recursive: true });
  daemon = await world.start(ACTORS);
  expect(await rows(daemon)).toEqual(ended);
  expect(await decisions(world)).toEqual(said);
  return { ended, said };
}

it("two orders of arrival, kills between, everything twice, a new store: the same rows, and no decision too many", async () => {
  const [forth, back] = [await tell(FACTS), await tell([...FACTS].reverse())];
  expect(back.ended).toEqual(forth.ended);
  for (const { said } of [forth, back]) {
    for (const [actor, revisions] of said) {
      expect(
        revisions.map(({ revision }) => revision),
        actor,
      ).toEqual(revisions.map((_, index) => index + 1));
      const contents = revisions.map(contentOf);
      for (const [index, content] of contents.entries()) expect(content, actor).not.toEqual(contents[index - 1]);
      expect(contents.at(-1)).toMatchObject(ENDS[actor as keyof typeof ENDS][1]);
    }
  }
  // Heard backwards, nothing is known of a checkout before it has started: there was no expiry to take back.
  expect(back.said.get("checkouts/paid")).toHaveLength(1);
});

it("a deadline passes while nobody lives, is told by a tick, and a payment in time undoes it with one revision", async () => {
  await using world = await openWorld();
  const first = await world.start(ACTORS);
  // Seconds are left: enough to be heard before, and to be gone by then.
  const startedMs = Date.now() - 30 * MINUTE_MS + 12_000;
  const started: Fact = { actor: "checkouts/live", type: "CheckoutStarted", atMs: startedMs, data: { total: 40 } };
  await publish(world, started);
  await until(
    "it waits",
    async () => (await getJson(first, "/api/checkouts/live")).processingStatus === "awaitingPayment",
  );
  await first.kill9();
  await until("its deadline is over", () => Date.now() > startedMs + 30 * MINUTE_MS);
  const daemon = await world.start(ACTORS);
  const due = new Date(startedMs + 30 * MINUTE_MS).toISOString();
  await until("it has expired", async () => (await decisions(world)).get("checkouts/live")?.length === 1);
  expect((await decisions(world)).get("checkouts/live")).toMatchObject([
    { decisionType: "CheckoutClosed", reason: "expired", decidedAt: due, causationId: `time:${due}` },
  ]);
  const payment = { amount: 40, method: "card" };
  await publish(world, {
    actor: "checkouts/live",
    type: "PaymentReceived",
    atMs: startedMs + 5 * MINUTE_MS,
    data: payment,
  });
  await until("it is paid", async () => (await decisions(world)).get("checkouts/live")?.length === 2);
  const row = await getJson(daemon, "/api/checkouts/live");
  expect(row).toMatchObject({
    processingStatus: "paid",
    version: 2,
    decision: { decisionType: "CheckoutPaid", revision: 2 },
  });
  await daemon.kill9();
  const again = await world.start(ACTORS);
  expect((await getJson(again, "/api/checkouts/live")).processingStatus).toBe("paid");
  expect((await decisions(world)).get("checkouts/live")).toHaveLength(2);
});
