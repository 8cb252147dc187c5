import { createRestoration, type Restoration } from "../../src/care/restoration.ts";
import { createRetirement, type Retirement } from "../../src/care/retirement.ts";
import type { BatchResult } from "../../src/flow/batch-result.ts";
import type { Delivery } from "../../src/flow/delivery.ts";
import type { History, RetiredRows } from "../../src/flow/retired.ts";
import type { PublishedDecision } from "../../src/flow/rows.ts";
import { createRetiredRows } from "../../src/store/retired.ts";
import type { Lane } from "../../src/wire/lanes.ts";
import { orderLane } from "../flow/delivery.ts";
import { orderEvent } from "../flow/order-events.ts";
import { openStation, type Station } from "../flow/station.ts";

/** A station with retention, and in memory what the two streams would hold. */
export interface RetentionStation extends Station {
  readonly rows: RetiredRows;
  readonly retirement: Retirement;
  readonly restoration: Restoration;
  /** What was delivered; tests take from it what "leaves the stream". */
  readonly orders: Delivery[];
  readonly decided: { readonly actorId: string; readonly decision: PublishedDecision }[];
  /** Stores, applies and publishes. */
  take(...deliveries: Delivery[]): BatchResult;
  /** Publishes what is pending. */
  publish(): void;
  /** Makes a day of stream time pass for `orderLane`, with an event of another order. */
  passTime(): void;
  /** Retires everything that is due, with 1000 ms of retention. @returns how many. */
  retire(lanes?: readonly Lane[]): number;
  /** What the streams hold of an order now. */
  history(actorId: string, upTo?: number): History;
  /** What the restorer does with an order, without its pauses. @returns undefined when nothing was to be done. */
  restore(actorId: string): { readonly isWhole: boolean; readonly result: BatchResult } | undefined;
  /** Every running count that is not 0. */
  tallies(): Record<string, number>;
  count(table: string): number;
}

export const RETAIN_MS = 1000;

export function openRetentionStation(): RetentionStation {
  const station = openStation();
  const { db, journal, actors, processor, outbox } = station;
  const rows = createRetiredRows(db);
  const retirement = createRetirement({ journal, rows, actors });
  const restoration = createRestoration({ journal, rows, actors, processor, limits: { maxBytes: 65_536 } });
  const orders: Delivery[] = [];
  const decided: RetentionStation["decided"] = [];

  function publish(): void {
    const published = outbox.pendingDecisions(orderLane).map((row) => {
      const decision = { revision: row.revision, payload: row.payload, sequence: decided.length + 1 };
      decided.push({ actorId: row.actorId, decision });
      return { row, sequence: decision.sequence };
    });
    outbox.markPublished(published, []);
  }

  const self: RetentionStation = {
    ...station,
    rows,
    retirement,
    restoration,
    orders,
    decided,
    publish,
    take(...deliveries) {
      orders.push(...deliveries);
      const result = processor.apply(deliveries);
      publish();
      return result;
    },
    passTime() {
      const last = Math.max(0, ...orders.map(({ sequence }) => sequence));
      // Sequences are milliseconds of stream time here, see `deliver`.
      self.take(orderEvent(last + 86_400_000, `clock-${orders.length}`, "OrderCreated", 1));
    },
    retire(lanes = [orderLane]) {
      let retired = 0;
      for (let step = retirement.step(orderLane.type, lanes, RETAIN_MS); ; ) {
        retired += step.retired;
        if (!step.hasMore) return retired;
        step = retirement.step(orderLane.type, lanes, RETAIN_MS);
      }
    },
    history: (actorId, upTo = Number.POSITIVE_INFINITY) => ({
      deliveries: orders.filter(({ subject, sequence }) => subject.split(".")[2] === actorId && sequence <= upTo),
      decisions: decided.flatMap((each) => (each.actorId === actorId ? [each.decision] : [])),
    }),
    restore(actorId) {
      const row = rows.find("order", actorId);
      if (row === undefined) return undefined;
      const past = restoration.recognise(row, self.history(actorId, row.sequence || undefined));
      const result =
        past === undefined ? restoration.giveUp(orderLane, actorId) : restoration.bringBack(orderLane, actorId, past);
      publish();
      return result && { isWhole: past !== undefined, result };
    },
    tallies() {
      const found = db.prepare("SELECT name, value FROM tallies WHERE value <> 0 ORDER BY name").all();
      return Object.fromEntries((found as { name: string; value: number }[]).map(({ name, value }) => [name, value]));
    },
    count: (table) => db.prepare(`SELECT count(*) FROM ${table}`).pluck().get() as number,
  };
  return self;
}
