import { expect, it } from "vitest";
import { createLearning } from "../../src/jetstream/learn-published.ts";
import { createMissingMessages } from "../../src/jetstream/missing-messages.ts";
import { createLaneRecords } from "../../src/store/lanes.ts";
import { createOutboxStreams } from "../../src/store/outbox-streams.ts";
import { orderLane } from "../flow/delivery.ts";
import { openStation, type Station } from "../flow/station.ts";
import { until } from "../until.ts";
import { session, usePublishing } from "./publishing.ts";

usePublishing();

const followed = { ...orderLane, partition: (orderLane.partition + 1) % 4 };

/** The first question of how far DEAD_LETTERS goes is answered when `answer` has been called. */
function openSlow({ db, outbox }: Station) {
  const { promise, resolve } = Promise.withResolvers<void>();
  const asked: string[] = [];
  let isFirst = true;
  const { jsm, js } = session;
  const slow = {
    ...jsm,
    streams: {
      ...jsm.streams,
      getMessage: jsm.streams.getMessage.bind(jsm.streams),
      async info(name: string) {
        asked.push(name);
        const isHeldUp = isFirst && asked.filter((each) => each === "DEAD_LETTERS").length === 2;
        if (isHeldUp) isFirst = false;
        if (isHeldUp) await promise;
        return jsm.streams.info(name);
      },
    },
  } as unknown as typeof jsm;
  const known = createOutboxStreams(db);
  const lose = { isLost: false };
  const records = createLaneRecords(db);
  const learning = createLearning({
    ...{ jsm: slow, js, records, outbox, partitions: 4 },
    missing: createMissingMessages(jsm, records, () => []),
    outboxStreams: {
      ...known,
      find(name) {
        const found = known.find(name);
        return found && { ...found, end: lose.isLost ? 1_000_000 : found.end };
      },
    },
    topology: { refuse: async () => {} } as never,
    ...{ assigned: () => [], onRefused() {}, onLost() {} },
  });
  return { learning, asked, lose, answer: resolve };
}

it("a lane that becomes ours is learnt while one that is followed still is", async () => {
  using station = openStation();
  const { learning, asked, answer } = openSlow(station);
  const following = learning.follow([followed]);
  await until("it is being learnt", () => asked.filter((name) => name === "DEAD_LETTERS").length === 2);
  await learning.take([orderLane]);
  answer();
  await following;
});

it("what has been lost while a lane is learnt is not noted as learnt", async () => {
  using station = openStation();
  await session.js.publish("decisions.orders.somebody", "{}");
  const { learning, asked, lose, answer } = openSlow(station);
  const following = learning.follow([followed]);
  await until("it is being learnt", () => asked.filter((name) => name === "DEAD_LETTERS").length === 2);
  lose.isLost = true;
  await learning.take([orderLane]);
  answer();
  await expect(following).rejects.toThrow("lost meanwhile");
  expect(station.outbox.positions(followed).decisions).toBe(0);
});
