import { join } from "node:path";
import { orderType } from "../../machines/order/order.ts";
import type { ActorType } from "../../src/actor/actor-type.ts";
import type { Delivery } from "../../src/flow/delivery.ts";
import { createHotActors } from "../../src/flow/hot-actors.ts";
import { createProcessor } from "../../src/flow/processor.ts";
import { openDatabase } from "../../src/store/database.ts";
import { createJournal } from "../../src/store/journal.ts";
import { partitionOf } from "../../src/wire/names.ts";
import { openShop } from "./shop.ts";

const PARTITIONS = 16;
const BATCH = 2000;
/** Orders under way at once, so that their events mix. */
const SPREAD = 500;

/**
 * Makes a store with many orders in it by way of the processor itself, as if their events had come some time ago, and
 * leaves it as a daemon takes it up: reading its stream from the first message, nothing left to publish.
 *
 * @returns how many events were applied.
 */
export function fillStore(dataDir: string, orders: number): number {
  const { db, close } = openDatabase(join(dataDir, "natstate.db"));
  const journal = createJournal(db);
  const processor = createProcessor(
    journal,
    createHotActors(journal, 20_000, () => {}),
    { maxBytes: 65_536 },
  );
  const shop = openShop(5, "old-");
  const startMs = Date.now() - 86_400_000;
  let batch: Delivery[] = [];
  let sequence = 0;
  for (let done = 0; done < orders; done += SPREAD) {
    const stories = Array.from({ length: Math.min(SPREAD, orders - done) }, () => shop.order(startMs + done * 400));
    for (let at = 0; stories.some((story) => at < story.length); at++) {
      for (const story of stories) {
        const message = story[at];
        if (message === undefined) continue;
        batch.push(toDelivery(message.subject, message.body, ++sequence, startMs + done * 400));
        if (batch.length < BATCH) continue;
        processor.apply(batch);
        batch = [];
      }
    }
  }
  processor.apply(batch);
  db.exec("DELETE FROM checkpoints; UPDATE decisions SET published = 1; DELETE FROM dead_letters");
  close();
  return sequence;
}

function toDelivery(subject: string, body: string, sequence: number, storedAtMs: number): Delivery {
  const [collection, id = "", eventType] = subject.split(".");
  const partition = partitionOf(id, PARTITIONS);
  return {
    lane: laneOf(partition),
    sequence,
    subject: `${collection}.${partition}.${id}.${eventType}`,
    body: Buffer.from(body),
    header: () => undefined,
    headers: () => [],
    storedAtMs,
    ack() {},
  };
}

const lanes = Array.from({ length: PARTITIONS }, (_, partition) => ({
  type: orderType as ActorType,
  stream: "ORDERS",
  partition,
}));

function laneOf(partition: number): Delivery["lane"] {
  const lane = lanes[partition];
  if (lane === undefined) throw new RangeError(`no partition ${partition}`);
  return lane;
}
