import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import Database from "better-sqlite3";
import { afterAll, beforeAll, expect, it } from "vitest";
import { orderType } from "../../machines/order/order.ts";
import type { ActorType } from "../../src/actor/actor-type.ts";
import { rebuild } from "../../src/care/rebuild.ts";
import { verifyAll } from "../../src/care/verify-all.ts";
import { readConfig } from "../../src/config/config.ts";
import { topologyOf } from "../../src/daemon/nats-setup.ts";
import { openSession, type Session } from "../../src/jetstream/session.ts";
import type { Log } from "../../src/jetstream/stream-reader.ts";
import { ensureStreams } from "../../src/jetstream/topology.ts";
import { lanesOf } from "../../src/wire/lanes.ts";
import { startTestServer, type TestServer } from "../server.ts";

/* A stream that a cluster has restored has its messages, and a date of creation after them. */

const CREATED = "2100-01-01T00:00:00Z";
const type = orderType as ActorType;
const lanes = lanesOf(type, 2);

const paid = (amount: number) => ({ eventType: "PaymentProcessed", amount, status: "successful" });
const HEARD = {
  a: [paid(10), { eventType: "ShippingCalculated", shippingCost: 10, estimatedDays: 3 }, paid(30)],
  b: [paid(10), paid(20), paid(30)],
};

let server: TestServer;
let session: Session;
const root = mkdtempSync(join(tmpdir(), "natstate-restored-stream-"));

beforeAll(async () => {
  server = await startTestServer();
  session = await openSession({ url: server.url, name: "test" }, () => {});
  await ensureStreams(session.jsm, [type], topologyOf(readConfig({ NATSTATE_PARTITIONS: "2" })));
  for (const orderId of ["a", "b"]) {
    for (const [index, told] of HEARD[orderId as "a" | "b"].entries()) {
      const { eventType } = told;
      const event = { orderId, eventId: `${orderId}-${index}`, timestamp: `2026-01-01T00:00:0${index}Z` };
      await session.js.publish(`orders.${orderId}.${eventType}`, JSON.stringify({ ...event, ...told }));
    }
  }
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

function rebuildFrom(log: Log, storeFile: string) {
  const limits = { maxBytes: 65_536, acceptDifferences: false };
  return rebuild({ log, types: [type], lanes, storeFile, ...limits, onProgress() {} });
}

/** A store that has read the stream as it is now, and accepted it as restored. */
async function accepted(name: string, change: (db: Database.Database) => void): Promise<string> {
  const file = join(root, name);
  await rebuildFrom(session, file);
  const db = new Database(file);
  db.prepare("UPDATE streams SET created = ?").run(CREATED);
  change(db);
  db.close();
  return file;
}

/** What only the stream can tell. */
function forge(db: Database.Database): void {
  const update = "UPDATE events SET body = replace(body, '\"amount\":20', '\"amount\":77') WHERE event_id = 'b-1'";
  expect(db.prepare(update).run().changes).toBe(1);
}

it("a store is held against what the stream has of before its restoration", async () => {
  const storeFile = await accepted("verified.db", forge);
  const directory = mkdtempSync(join(root, "work-"));
  const found = await verifyAll({ log: restored(), storeFile, lanes, maxBytes: 65_536, directory, onProgress() {} });
  expect(found).toMatchObject({ checked: 2, fromStore: 0 });
  expect(found.differences).toMatchObject([{ actorId: "b" }]);
});

it("a new store is made of what the stream has of before its restoration", async () => {
  const storeFile = await accepted("rebuilt.db", forge);
  expect(await rebuildFrom(restored(), storeFile)).toMatchObject({ fromOldStore: 0, events: 6, differences: [] });
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
