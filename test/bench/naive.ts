import { join } from "node:path";
import { type JsMsg, jetstream, jetstreamManager } from "@nats-io/jetstream";
import Database from "better-sqlite3";
import { createActor, type Snapshot } from "xstate";
import type { OrderEvent } from "../../machines/order/machine.ts";
import { orderType } from "../../machines/order/order.ts";
import { decisionSubject, eventStream } from "../../src/wire/names.ts";
import { connectAs, obeyParent, readInput } from "./child.ts";

/*
 * (c) the naive way, as most first versions are written: one message at a time, each with its own read, restore, send,
 * transaction, publish and ack. It uses the same machine and the same rules, checks no contract and forgives itself
 * fsync per commit.
 */
interface OrderRow {
  readonly snapshot: string;
  readonly isDecided: number;
}

const { natsUrl, dataDir } = readInput();
const db = new Database(join(dataDir, "naive.db"));
db.pragma("journal_mode = WAL");
db.exec(`CREATE TABLE orders (id TEXT PRIMARY KEY, snapshot TEXT NOT NULL, isDecided INTEGER NOT NULL) STRICT`);
db.exec(`CREATE TABLE events (order_id TEXT NOT NULL, event_id TEXT NOT NULL, type TEXT NOT NULL, body TEXT NOT NULL,
  PRIMARY KEY (order_id, event_id)) STRICT`);
const selectOrder = db.prepare<[string], OrderRow>("SELECT snapshot, isDecided FROM orders WHERE id = ?");
const upsertOrder = db.prepare(`INSERT INTO orders (id, snapshot, isDecided) VALUES (?, ?, ?)
  ON CONFLICT DO UPDATE SET snapshot = excluded.snapshot, isDecided = excluded.isDecided`);
const insertEvent = db.prepare(`INSERT OR IGNORE INTO events (order_id, event_id, type, body) VALUES (?, ?, ?, ?)`);
const save = db.transaction(({ eventId, type }: OrderEvent, id: string, body: string, after: OrderRow) => {
  insertEvent.run(id, eventId, type, body);
  upsertOrder.run(id, after.snapshot, after.isDecided);
});

const nc = await connectAs("naive", natsUrl);
const js = jetstream(nc);
const jsm = await jetstreamManager(nc);
const stream = eventStream(orderType);
await jsm.consumers.add(stream, { durable_name: "naive", ack_policy: "explicit", max_ack_pending: 2000 });

async function handle(message: JsMsg): Promise<void> {
  const body = message.string();
  const { orderId, eventType, eventId, timestamp, ...data } = JSON.parse(body);
  const event = { type: eventType, eventId, timestamp, data } as OrderEvent;
  const row = selectOrder.get(orderId);
  const snapshot = row === undefined ? undefined : (JSON.parse(row.snapshot) as Snapshot<unknown>);
  const actor = createActor(orderType.machine, snapshot === undefined ? {} : { snapshot });
  actor.start();
  actor.send(event);
  const { content, basedOn, decidedAt } = orderType.conclude(
    actor.getSnapshot() as Parameters<typeof orderType.conclude>[0],
  );
  const isDecided = content !== null;
  const after = JSON.stringify(actor.getPersistedSnapshot());
  save(event, orderId, body, { snapshot: after, isDecided: Number(isDecided) });
  if (isDecided && !row?.isDecided) {
    const decision = { ...content, orderId, revision: 1, decidedAt, basedOn };
    await js.publish(decisionSubject(orderType, orderId), JSON.stringify(decision));
  }
  message.ack();
}

const consumer = await js.consumers.get(stream, "naive");
const messages = await consumer.consume({ max_messages: 1000 });
obeyParent(async () => {
  await nc.close();
  db.close();
});
for await (const message of messages) await handle(message);
