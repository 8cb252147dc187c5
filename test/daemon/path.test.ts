import { expect, it, onTestFinished } from "vitest";
import { openPath } from "../../src/daemon/path.ts";
import { createOwnLanes } from "../../src/members/own-lanes.ts";
import { createLaneRecords } from "../../src/store/lanes.ts";
import { createOutboxStreams } from "../../src/store/outbox-streams.ts";
import { meterEvent, meterLane } from "../flow/meters.ts";
import { openStation } from "../flow/station.ts";
import { session, usePublishing } from "../jetstream/publishing.ts";
import { capture } from "../ops/captured-log.ts";
import { until } from "../until.ts";

usePublishing();

const lane = meterLane();
const COUNT = 200;

/** A path, and a store in which a meter is behind: its facts came in reverse. */
function openBehind() {
  const stack = new AsyncDisposableStack();
  const station = stack.use(openStation());
  onTestFinished(() => stack.disposeAsync());
  const { db } = station;
  station.processor.apply(Array.from({ length: COUNT }, (_, index) => meterEvent(lane, index + 1, COUNT - index)));
  const path = openPath(
    {
      config: {
        ...{ NATSTATE_HOT_ACTORS: 100, NATSTATE_HOT_BYTES: 1_000_000, NATSTATE_MAX_EVENT_BYTES: 65_536 },
        ...{ NATSTATE_BATCH_EVENTS: 100, NATSTATE_BATCH_BYTES: 1_000_000, NATSTATE_PUBLISH_IN_FLIGHT: 16 },
      },
      store: { ...station, records: createLaneRecords(db), outboxStreams: createOutboxStreams(db) },
      connection: { session },
      streams: { topology: { partitions: 1 }, lanes: { of: () => lane } },
      own: createOwnLanes(),
      observers: { observer: { rebuilt() {}, published() {}, publishFailed() {} } },
      trouble: { meet: () => "retry" },
      logger: capture().logger,
      reached() {},
      onFatal(error: Error) {
        throw error;
      },
    } as unknown as Parameters<typeof openPath>[0],
    stack,
  );
  const waits = () => db.prepare("SELECT count(*) FROM parked").pluck().get() as number;
  expect(waits()).toBeGreaterThan(100);
  return { path, waits };
}

it("who is behind in a lane that is followed is forgotten when a copy takes its place", async () => {
  const { path } = openBehind();
  const { backlog } = path.followed.processor;
  backlog.resume(lane);
  expect(backlog.size()).toBe(1);
  path.forget(lane);
  expect(backlog.size()).toBe(0);
});

it("who is behind after a release or a restoration in a copy catches up, though nothing else is heard", async () => {
  const { path, waits } = openBehind();
  path.followed.processor.backlog.resume(lane);
  path.followed.committed({ handled: [], decisions: [], deadLetters: [] } as never, 0);
  await until("nothing waits", () => waits() === 0, 10_000);
  expect(path.followed.processor.backlog.size()).toBe(0);
});

it("a lane is read along from when it is resumed until it is forgotten, also when a copy takes its place", () => {
  const { path } = openBehind();
  const { followed } = path;
  expect(followed.isRead(lane)).toBe(false);
  followed.resume(lane);
  path.forget(lane);
  expect(followed.isRead(lane)).toBe(true);
  followed.forget(lane);
  expect(followed.isRead(lane)).toBe(false);
});
