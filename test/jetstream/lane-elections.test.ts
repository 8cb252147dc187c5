import { expect, it } from "vitest";
import { until } from "../until.ts";
import { publish, published, range, read, session, useLane } from "./lane-reading.ts";

useLane();

/** A session whose server says that the lane's consumer is led by whoever `leader` names. */
function ledBy(leader: () => string, { fails = (): boolean => false } = {}) {
  const consumers = Object.create(session.jsm.consumers, {
    info: {
      async value(stream: string, name: string) {
        if (fails()) throw new Error("no leader");
        return { ...(await session.jsm.consumers.info(stream, name)), cluster: { leader: leader() } };
      },
    },
  });
  return { ...session, jsm: Object.create(session.jsm, { consumers: { value: consumers } }) };
}

it("a lane is read again from its checkpoint when another server leads its consumer, and only then", async () => {
  let leader = "n1";
  await using reading = read(
    published - 10,
    undefined,
    ledBy(() => leader),
  );
  await until("caught up", () => reading.checkpoint === published);
  reading.reader.elected("n1");
  expect(reading.doubts).toEqual([]);
  expect(reading.reader.isReading()).toBe(true);
  leader = "n2";
  reading.reader.elected("n2");
  expect(reading.doubts).toEqual(["leader_changed"]);
  await publish(5);
  await until("read on", () => reading.checkpoint === published);
  expect(reading.sequences).toEqual(range(published - 14, published));
  reading.reader.elected("n2");
  expect(reading.doubts).toEqual(["leader_changed"]);
});

it("a lane that could not be read for want of a leader is read at once when there is one", async () => {
  let isAway = true;
  await using reading = read(
    published,
    undefined,
    ledBy(() => "n1", { fails: () => isAway }),
  );
  // Three failures, and two seconds until the next attempt.
  await until("told", () => reading.reader.trouble());
  isAway = false;
  const startedMs = performance.now();
  reading.reader.elected("n1");
  await until("reading", () => reading.reader.isReading());
  expect(performance.now() - startedMs).toBeLessThan(900);
});
