import { cpSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import Database from "better-sqlite3";
import { afterAll, beforeAll, expect, it, onTestFinished } from "vitest";
import { orderType } from "../../machines/order/order.ts";
import type { ActorType } from "../../src/actor/actor-type.ts";
import { rebuild } from "../../src/care/rebuild.ts";
import { openDeriver, verifyActor } from "../../src/care/verify-actor.ts";
import { verifyAll } from "../../src/care/verify-all.ts";
import { readConfig } from "../../src/config/config.ts";
import { topologyOf } from "../../src/daemon/nats-setup.ts";
import { openSession, type Session } from "../../src/jetstream/session.ts";
import type { Log } from "../../src/jetstream/stream-reader.ts";
import { ensureStreams } from "../../src/jetstream/topology.ts";
import { createLaneRecords } from "../../src/store/lanes.ts";
import { openReader } from "../../src/store/reader.ts";
import { type Lane, lanesOf } from "../../src/wire/lanes.ts";
import { partitionOf } from "../../src/wire/names.ts";
import { startTestServer, type TestServer } from "../server.ts";
import { until } from "../until.ts";

/* A stream that a cluster has restored has its messages, and a date of creation after them. */

const CREATED = "2100-01-01T00:00:00Z";
const type = orderType as ActorType;
const lanes = lanesOf(type, 2);

const paid = (amount: number) => ({ eventType: "PaymentProcessed", amount, status: "successful" });
const SHIPPING = { eventType: "ShippingCalculated", shippingCost: 10, estimatedDays: 3 };
const POINTS = { eventType: "LoyaltyPointsUpdated", pointsEarned: 10, totalPoints: 100, tierStatus: "gold" };
const HEARD = {
  a: [paid(10), SHIPPING, paid(30)],
  b: [paid(10), paid(20), paid(30)],
};

async function tell(orderId: string, all: readonly { readonly eventType: string }[]): Promise<void> {
  for (const [index, told] of all.entries()) {
    const event = { orderId, eventId: `${orderId}-${index}`, timestamp: `2026-01-01T00:00:0${index}Z` };
    await session.js.publish(`orders.${orderId}.${told.eventType}`, JSON.stringify({ ...event, ...told }));
  }
}

let server: TestServer;
let session: Session;
const root = mkdtempSync(join(tmpdir(), "natstate-restored-stream-"));

beforeAll(async () => {
  server = await startTestServer();
  session = await openSession({ url: server.url, name: "test" }, () => {});
  await ensureStreams(session.jsm, [type], topologyOf(readConfig({ NATSTATE_PARTITIONS: "2" })));
  for (const [orderId, told] of Object.entries(HEARD)) await tell(orderId, told);
});
afterAll(async () => {
  await session.close();
  await server.stop();
  rmSync(root, { recursive: true, force: true });
});

/** ORDERS as after a restoration. */
function restored(): Log {
  const { js, jsm } = session;
  const info = async (name: string) => {
    const found = await jsm.streams.info(name);
    return name === "ORDERS" ? { ...found, created: CREATED } : found;
  };
  const streams = new Proxy(jsm.streams, {
    get(target, key) {
      const member = key === "info" ? info : (target[key as keyof typeof target] as unknown);
      return typeof member === "function" ? member.bind(target) : member;
    },
  });
  return { js, jsm: new Proxy(jsm, { get: (target, key) => (key === "streams" ? streams : target[key as never]) }) };
}

function rebuildFrom(log: Log, storeFile: string, own = type) {
  const limits = { maxBytes: 65_536, acceptDifferences: own !== type };
  return rebuild({ log, types: [own], lanes: lanesOf(own, 2), storeFile, ...limits, onProgress() {} });
}

function verifyFrom(log: Log, storeFile: string) {
  const directory = mkdtempSync(join(root, "work-"));
  return verifyAll({ log, storeFile, lanes, maxBytes: 65_536, directory, onProgress() {} });
}

/** A store that has read the stream as it is now, and accepted it as restored. */
async function accepted(name: string, change: (db: Database.Database) => void, own = type): Promise<string> {
  const file = join(root, name);
  await rebuildFrom(session, file, own);
  const db = new Database(file);
  db.prepare("UPDATE streams SET created = ?").run(CREATED);
  change(db);
  db.close();
  return file;
}

/** The server comes back with what was changed meanwhile. */
async function whileDown(change: () => void): Promise<void> {
  await server.kill9();
  change();
  await server.restart();
  await until("the stream answers", () =>
    session.jsm.streams.info("ORDERS").then(
      () => true,
      () => false,
    ),
  );
}

/** What only the stream can tell. */
function forge(db: Database.Database, actorId = "b", amount = 20): void {
  const update = `UPDATE events SET body = replace(body, '"amount":${amount}', '"amount":77')
    WHERE event_id LIKE '${actorId}-%' AND body LIKE '%"amount":${amount},%'`;
  expect(db.prepare(update).run().changes).toBe(1);
}

it("a store is held against what the stream has of before its restoration", async () => {
  const storeFile = await accepted("verified.db", forge);
  const found = await verifyFrom(restored(), storeFile);
  expect(found).toMatchObject({ checked: 2, fromStore: 0 });
  expect(found.differences).toMatchObject([{ actorId: "b" }]);
});

it("what a store has not read again of a restored stream is no difference", async () => {
  const storeFile = await accepted("unread.db", (db) => {
    const division = { partitions: 2, partitionOf: (actorId: string) => partitionOf(actorId, 2) };
    createLaneRecords(db).forgetStream("ORDERS", division);
    createLaneRecords(db).saveStream("order", "ORDERS", CREATED, 2);
  });
  expect(await verifyFrom(restored(), storeFile)).toMatchObject({ checked: 2, fromStore: 6, differences: [] });
});

it("a new store is made of what the stream has of before its restoration", async () => {
  const storeFile = await accepted("rebuilt.db", forge);
  expect(await rebuildFrom(restored(), storeFile)).toMatchObject({ fromOldStore: 0, events: 6, differences: [] });
});

it("what a stream has lost from its end, restored from an older copy under its date, is no difference; what else differs is", async () => {
  const streamDir = join(server.storeDir, "jetstream", "$G", "streams", "ORDERS");
  const copy = join(root, "ORDERS");
  const { created, state } = await session.jsm.streams.info("ORDERS");
  await whileDown(() => cpSync(streamDir, copy, { recursive: true }));
  await tell("d", [paid(10), SHIPPING]);
  await tell("b", [...HEARD.b, SHIPPING]);
  const file = join(root, "older.db");
  await rebuildFrom(session, file);
  await whileDown(() => {
    rmSync(streamDir, { recursive: true });
    cpSync(copy, streamDir, { recursive: true });
  });
  const found = await session.jsm.streams.info("ORDERS");
  expect([found.created, found.state.last_seq]).toEqual([created, state.last_seq]);
  const db = new Database(file);
  onTestFinished(() => void db.close());
  const reader = openReader(file);
  onTestFinished(reader.close);
  const deriver = openDeriver(65_536);
  onTestFinished(deriver.close);
  const expectVerified = async (...differing: string[]) => {
    const all = await verifyFrom(session, file);
    expect([...new Set(all.differences.map(({ actorId }) => actorId))]).toEqual(differing);
    for (const actorId of ["a", "b", "d"]) {
      const lane = lanes[partitionOf(actorId, 2)] as Lane;
      const { differences } = await verifyActor({ jsm: session.jsm, images: reader.images, deriver }, lane, actorId);
      expect(differences.length > 0, actorId).toBe(differing.includes(actorId));
    }
  };
  const records = createLaneRecords(db);
  records.forgetStream("ORDERS", { partitions: 2, partitionOf: (actorId) => partitionOf(actorId, 2) });
  records.saveStream("order", "ORDERS", created, 2);
  // Not read again so far, then to its end.
  await expectVerified();
  db.prepare("UPDATE checkpoints SET sequence = ?").run(state.last_seq);
  await expectVerified();
  forge(db, "a", 30);
  await expectVerified("a");
});

it("a stream has lost what it gave the sequences of again, and nothing where its next leader's clock is a little behind", async () => {
  const file = join(root, "clocks.db");
  await rebuildFrom(session, file);
  const db = new Database(file);
  onTestFinished(() => void db.close());
  const reader = openReader(file);
  onTestFinished(reader.close);
  const [first, second, third] = db.prepare("SELECT sequence FROM events ORDER BY sequence").pluck().all() as number[];
  const set = db.prepare("UPDATE events SET stored_ms = :startMs + sequence + iif(sequence > :after, :shiftMs, 0)");
  const startMs = Date.parse("2050-01-01T00:00:00Z");
  const lostTo = () => reader.lostTo({ type: "order", stream: "ORDERS", createdMs: startMs - 60_000 });
  set.run({ startMs, after: second, shiftMs: -50 });
  expect(lostTo()).toBeUndefined();
  set.run({ startMs, after: second, shiftMs: 5000 });
  expect(lostTo()).toBeUndefined();
  // The first two are of before a copy, which has given the first's sequence to what came next.
  db.prepare("UPDATE events SET sequence = :first WHERE sequence = :third").run({ first, third });
  expect(lostTo()).toBe(startMs + Number(second));
});

it("what a restored stream lacks comes from the old store, with what its actor had heard before that", async () => {
  const storeFile = await accepted("lacking.db", () => {});
  await session.jsm.streams.purge("ORDERS", { filter: "orders.*.a.ShippingCalculated" });
  expect(await rebuildFrom(restored(), storeFile)).toMatchObject({ fromOldStore: 2, events: 6, differences: [] });
  const db = new Database(storeFile);
  const heard = "SELECT event_id FROM events WHERE event_id LIKE 'a-%' ORDER BY place";
  expect(db.prepare(heard).pluck().all()).toEqual(["a-0", "a-1", "a-2"]);
  db.close();
});

it("what is kept back of an actor, and the restored stream lacks, comes behind what that one had heard before", async () => {
  const broken: ActorType = {
    ...type,
    conclude(actor) {
      if (JSON.stringify(actor.context).includes("estimatedDays")) throw new Error("not yet");
      return type.conclude(actor);
    },
  };
  await tell("c", [paid(10), SHIPPING, POINTS]);
  const storeFile = await accepted("kept-back.db", () => {}, broken);
  await session.jsm.streams.purge("ORDERS", { filter: "orders.*.c.LoyaltyPointsUpdated" });
  expect(await rebuildFrom(restored(), storeFile)).toMatchObject({ differences: [] });
  const db = new Database(storeFile);
  const heard = "SELECT event_id FROM events WHERE event_id LIKE 'c-%' ORDER BY place";
  expect(db.prepare(heard).pluck().all()).toEqual(["c-0", "c-1", "c-2"]);
  db.close();
});
