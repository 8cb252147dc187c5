import { expect, it, onTestFinished } from "vitest";
import { startKeepingAlike } from "../../src/daemon/keeping-alike.ts";
import { createLaneTrouble } from "../../src/daemon/lane-trouble.ts";
import { createLearning } from "../../src/jetstream/learn-published.ts";
import { createMissingMessages } from "../../src/jetstream/missing-messages.ts";
import { createLaneRecords } from "../../src/store/lanes.ts";
import { createOutboxStreams } from "../../src/store/outbox-streams.ts";
import type { Lane } from "../../src/wire/lanes.ts";
import { orderLane } from "../flow/delivery.ts";
import { openStation } from "../flow/station.ts";
import { session, usePublishing } from "../jetstream/publishing.ts";
import { capture } from "../ops/captured-log.ts";
import { until } from "../until.ts";

usePublishing();

/** A standby that keeps a copy of a lane, in which an order is wanted again; its history is gone from the stream. */
async function openStandby() {
  const station = openStation();
  const { db, outbox } = station;
  const records = createLaneRecords(db);
  const { jsm, js } = session;
  for (let index = 0; index < 3; index++) await js.publish("orders.gone.OrderCreated", "{}");
  await jsm.streams.purge("ORDERS");
  const { created, state } = await jsm.streams.info("ORDERS");
  records.saveStream("order", "ORDERS", created, 4);
  db.exec("INSERT INTO retired VALUES ('order', 'gone', 3, 7, 2, 'digest', 1, 1, 2, 'wanted')");
  const { logger, lines } = capture();
  const fatal: Error[] = [];
  const trouble = createLaneTrouble(logger, (error) => fatal.push(error));
  const missing = createMissingMessages(jsm, records, () => []);
  const learning = createLearning({
    ...{ jsm, js, records, missing, outbox, outboxStreams: createOutboxStreams(db), partitions: 4 },
    ...{ topology: {} as never, assigned: () => [], onRefused: trouble.meet, onLost() {} },
  });
  let followed: readonly Lane[] = [];
  let looks = 0;
  const end = startKeepingAlike(
    {
      config: { NATSTATE_RETAIN: null, NATSTATE_MAX_EVENT_BYTES: 65_536 },
      ...{ types: [orderLane.type], instance: "us", logger, trouble },
      store: { ...station, queries: { quarantined: () => ({ orders: [] }) } },
      connection: { session, isConnected: () => true },
      path: {
        ...{ isFree: () => true, actors: station.actors, publishing: { learning } },
        followed: { processor: station.processor, committed() {} },
      },
      own: {
        followed() {
          looks++;
          return followed;
        },
      },
      reading: { ownership: { following: () => [orderLane] } },
    } as unknown as Parameters<typeof startKeepingAlike>[0],
    () => [],
  );
  onTestFinished(() => {
    end();
    station[Symbol.dispose]();
  });
  return {
    ...{ fatal, lines, looks: () => looks },
    follow() {
      followed = [orderLane];
    },
    accept: () => records.saveCompleteTo(new Map([[orderLane, state.last_seq]])),
    status: () => db.prepare("SELECT status FROM retired WHERE actor_id = 'gone'").pluck().get(),
  };
}

it("a copy that lacks what its stream has lost is trouble, and not the end of the daemon's own lanes", async () => {
  const { fatal, lines, status, follow } = await openStandby();
  follow();
  await until("it is told", () => lines().length + fatal.length > 0, 10_000);
  expect(fatal).toEqual([]);
  expect(lines()[0]).toMatchObject({
    level: "error",
    err: { message: expect.stringContaining("no longer has messages between 1 and") },
  });
  expect(status()).toBe("wanted");
});

it("a lane that is followed and still being brought is left alone until its copy is there", async () => {
  const { looks, status, follow, accept } = await openStandby();
  accept();
  await until("it was looked at often", () => looks() > 4, 10_000);
  expect(status()).toBe("wanted");
  follow();
  await until("nobody has its history", () => status() === "lost", 10_000);
});
