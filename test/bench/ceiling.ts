import { join } from "node:path";
import { type JsMsg, jetstream, jetstreamManager } from "@nats-io/jetstream";
import Database from "better-sqlite3";
import { orderType } from "../../machines/order/order.ts";
import { consumerName, decisionSubject, eventStream } from "../../src/wire/names.ts";
import { connectAs, obeyParent, readInput } from "./child.ts";

/*
 * (a) the ceiling: the same messages with the same client and the same store, and nothing else. One 1 KB row per order,
 * one row per event, one transaction per batch, one decision per order. No XState, no contract, no exactly-once. What it
 * must remember of orders is all in memory, read back from their rows at start.
 */
interface OrderEvent {
  readonly orderId: string;
  readonly eventType: string;
  readonly eventId: string;
  readonly timestamp: string;
  readonly warehouseId?: string;
}

/** What one must remember of an order to know when it is decided. */
interface Known {
  isPaid: boolean;
  warehouseId: string | undefined;
}

interface OrderRow {
  readonly id: string;
  readonly state: string;
}

const PARTITIONS = 16;
const MAX_IN_FLIGHT = 512;
const FILLER = "x".repeat(1000);

const { natsUrl, dataDir } = readInput();
const db = new Database(join(dataDir, "ceiling.db"));
// As natstate's own store: the log is the truth here too.
db.pragma("journal_mode = WAL");
db.pragma("synchronous = NORMAL");
db.pragma("wal_autocheckpoint = 10000");
db.exec("CREATE TABLE IF NOT EXISTS orders (id TEXT PRIMARY KEY, state TEXT NOT NULL) STRICT");
db.exec(`CREATE TABLE IF NOT EXISTS events (sequence INTEGER PRIMARY KEY, order_id TEXT NOT NULL, event_id TEXT NOT NULL,
  type TEXT NOT NULL, body TEXT NOT NULL) STRICT`);
const upsertOrder = db.prepare(`INSERT INTO orders (id, state) VALUES (?, ?)
  ON CONFLICT DO UPDATE SET state = excluded.state`);
const insertEvent = db.prepare("INSERT INTO events (sequence, order_id, event_id, type, body) VALUES (?, ?, ?, ?, ?)");

const nc = await connectAs("ceiling", natsUrl);
const js = jetstream(nc);
const jsm = await jetstreamManager(nc);
const orders = new Map<string, Known>();
for (const { id, state } of db.prepare("SELECT id, state FROM orders").iterate() as Iterable<OrderRow>) {
  orders.set(id, { isPaid: state.startsWith("paid"), warehouseId: state.slice(4, state.indexOf("|")) || undefined });
}
const outgoing: [subject: string, payload: string][] = [];
let inFlight = 0;
let queue: JsMsg[] = [];

const applyBatch = db.transaction((batch: readonly JsMsg[]) => {
  const touched = new Set<string>();
  for (const message of batch) {
    const body = message.string();
    const event = JSON.parse(body) as OrderEvent;
    insertEvent.run(message.seq, event.orderId, event.eventId, event.eventType, body);
    touched.add(event.orderId);
    learn(event);
  }
  for (const orderId of touched) upsertOrder.run(orderId, stateOf(orders.get(orderId)));
});

function stateOf(known: Known | undefined): string {
  return `${known?.isPaid ? "paid" : "open"}${known?.warehouseId ?? ""}|${FILLER}`;
}

function learn({ orderId, eventType, eventId, timestamp, warehouseId }: OrderEvent): void {
  const known = orders.get(orderId) ?? { isPaid: false, warehouseId: undefined };
  orders.set(orderId, known);
  if (eventType === "PaymentProcessed") known.isPaid = true;
  else if (eventType === "InventoryReserved") known.warehouseId = warehouseId;
  else return;
  if (!known.isPaid || known.warehouseId === undefined) return;
  const decision = {
    decisionType: "OrderConfirmed",
    orderId,
    revision: 1,
    decidedAt: timestamp,
    warehouseId: known.warehouseId,
    estimatedDays: 5,
    basedOn: [eventId],
  };
  outgoing.push([decisionSubject(orderType, orderId), JSON.stringify(decision)]);
}

function publishDue(): void {
  while (inFlight < MAX_IN_FLIGHT) {
    const next = outgoing.pop();
    if (next === undefined) return;
    inFlight++;
    void js.publish(...next).then(() => {
      inFlight--;
      publishDue();
    });
  }
}

function flush(): void {
  const batch = queue;
  queue = [];
  applyBatch(batch);
  for (const message of batch) message.ack();
  publishDue();
}

const stream = eventStream(orderType);
for (let partition = 0; partition < PARTITIONS; partition++) {
  await jsm.consumers.add(stream, {
    durable_name: consumerName(orderType, partition),
    filter_subject: `${orderType.collection}.${partition}.>`,
    ack_policy: "explicit",
    max_ack_pending: 2000,
  });
}
for (let partition = 0; partition < PARTITIONS; partition++) {
  const consumer = await js.consumers.get(stream, consumerName(orderType, partition));
  await consumer.consume({
    max_messages: 1000,
    callback(message) {
      if (queue.push(message) === 1) setImmediate(flush);
    },
  });
}

obeyParent(async () => {
  await nc.close();
  db.close();
});
