import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { actorTypes } from "../../machines/registry.ts";
import type { BatchResult } from "../../src/flow/batch-result.ts";
import type { Delivery } from "../../src/flow/delivery.ts";
import { createHotActors } from "../../src/flow/hot-actors.ts";
import { createProcessor } from "../../src/flow/processor.ts";
import { openDatabase } from "../../src/store/database.ts";
import { createJournal } from "../../src/store/journal.ts";
import type { Lane } from "../../src/wire/lanes.ts";

/** When every delivery of an {@link OrderPath} was stored, ms since the epoch. */
export const STORED_AT_MS = Date.UTC(2026, 0, 1, 10, 0, 30);

/** An event's fields, or a body that is no event. */
export type Message = Readonly<Record<string, unknown>> | string;

/** The real processor on a real store, without NATS before it. */
export interface OrderPath extends Disposable {
  /** Commits one batch; stream sequences go on from 1. */
  apply(...messages: Message[]): BatchResult;
  /** Commits the last batch's deliveries once more. */
  repeat(): BatchResult;
}

/** Opens a store in a directory of its own, removed when the path closes. */
export function openPath(): OrderPath {
  const directory = mkdtempSync(join(tmpdir(), "natstate-ops-"));
  const { db, close } = openDatabase(join(directory, "natstate.db"));
  const journal = createJournal(db);
  const actors = createHotActors(journal, 100, () => {});
  const processor = createProcessor(journal, actors, { maxBytes: 65_536 });
  const [type] = actorTypes;
  if (type === undefined) throw new Error("no actor type is registered");
  const lane: Lane = { type, stream: "ORDERS", partition: 0 };
  let last: Delivery[] = [];
  let sequence = 0;
  return {
    apply(...messages) {
      last = messages.map((message) => deliver(lane, ++sequence, message));
      return processor.apply(last);
    },
    repeat: () => processor.apply(last),
    [Symbol.dispose]() {
      close();
      rmSync(directory, { recursive: true });
    },
  };
}

/** An order's event, `second` seconds after 10:00:00, without its own fields. */
export function orderMessage(orderId: string, eventType: string, eventId: string, second = 0) {
  return { orderId, eventType, eventId, timestamp: new Date(Date.UTC(2026, 0, 1, 10, 0, second)).toISOString() };
}

function deliver(lane: Lane, sequence: number, message: Message): Delivery {
  const event = typeof message === "string" ? { orderId: "o1", eventType: "OrderCreated" } : message;
  return {
    lane,
    sequence,
    subject: `orders.${lane.partition}.${event.orderId}.${event.eventType}`,
    body: Buffer.from(typeof message === "string" ? message : JSON.stringify(message)),
    header: () => undefined,
    headers: () => [],
    storedAtMs: STORED_AT_MS,
    ack: () => {},
  };
}
