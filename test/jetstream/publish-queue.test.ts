import fc from "fast-check";
import { expect, it } from "vitest";
import { createPublishQueue, type Queued } from "../../src/jetstream/publish-queue.ts";
import { createPublisher, type PublisherOptions } from "../../src/jetstream/publisher.ts";
import type { Lane } from "../../src/wire/lanes.ts";
import { orderLane } from "../flow/delivery.ts";
import { orderEvent } from "../flow/order-events.ts";
import { openStation } from "../flow/station.ts";
import { until } from "../until.ts";

interface Numbered extends Queued {
  readonly place: number;
}

const LANES: Lane[] = [0, 1, 2].map((partition) => ({ ...orderLane, partition }));

const step = fc.oneof(
  fc.record({ do: fc.constant("offer" as const), lane: fc.nat(2), line: fc.option(fc.nat(2), { nil: undefined }) }),
  fc.record({ do: fc.constant("take" as const) }),
  fc.record({ do: fc.constant("done" as const), which: fc.nat() }),
  fc.record({ do: fc.constant("drop" as const), lane: fc.nat(2) }),
  fc.record({ do: fc.constant("replace" as const), which: fc.nat(), count: fc.nat(3) }),
);
type Step = typeof step extends fc.Arbitrary<infer Value> ? Value : never;

/** Carries steps out, and beside them keeps all that should wait, in a list. */
function rehearse(steps: readonly Step[]) {
  const queue = createPublishQueue<Numbered>();
  const going: Numbered[] = [];
  const done: Numbered[] = [];
  let due: Numbered[] = [];
  const place = (lane: number, line: number | undefined, index: number): Numbered => ({
    lane: LANES[lane] ?? orderLane,
    line: line === undefined ? undefined : lane * 10 + line,
    bytes: index + 1,
    place: index,
  });
  const take = () => {
    const job = queue.take();
    if (job === undefined) return false;
    const first = due.find(({ line }) => line === job.line);
    if (job.line !== undefined) expect(job).toBe(first);
    expect(due).toContain(job);
    if (job.line !== undefined) expect(going.map(({ line }) => line)).not.toContain(job.line);
    due = due.filter((other) => other !== job);
    going.push(job);
    return true;
  };
  const finish = (which: number) => {
    const [job] = going.splice(which % going.length, 1);
    if (job === undefined) return;
    queue.done(job);
    done.push(job);
  };
  const replace = (which: number, count: number, index: number) => {
    const job = going[which % going.length];
    if (job?.line === undefined) return;
    const jobs = Array.from({ length: count }, (_, more) => ({ ...job, bytes: 1, place: index + more / 10 }));
    queue.replaceBehind(job, jobs);
    due = [...due.filter(({ line }) => line !== job.line), ...jobs];
  };
  for (const [index, one] of steps.entries()) {
    if (one.do === "take") take();
    else if (one.do === "done") finish(one.which);
    else if (one.do === "replace") replace(one.which, one.count, index);
    else if (one.do === "drop") {
      queue.forget((job) => job.lane === LANES[one.lane]);
      due = due.filter((job) => job.lane !== LANES[one.lane]);
    } else {
      const job = place(one.lane, one.line, index);
      queue.offer(job);
      due.push(job);
    }
    expect([queue.size(), queue.onTheirWay()]).toEqual([due.length + going.length, going.length]);
  }
  while (take() || going.length > 0) finish(0);
  return { queue, due, done };
}

it("whatever is offered, dropped and replaced while others are on their way, each goes once, in order, and none is left", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const { queue, due, done } = rehearse(steps);
      expect([queue.size(), queue.bytes(), queue.onTheirWay(), due]).toEqual([0, 0, 0, []]);
      expect(new Set(done).size).toBe(done.length);
    }),
    { numRuns: 500 },
  );
});

it("an actor whose lane left and came back is published behind what is still on its way", () => {
  const queue = createPublishQueue<Numbered>();
  const [first, second, third] = [1, 2, 3].map((place) => ({ lane: orderLane, line: 7, bytes: 1, place }));
  if (first === undefined || second === undefined || third === undefined) throw new Error("three");
  for (const job of [first, second]) queue.offer(job);
  expect(queue.take()).toBe(first);
  queue.forget(({ lane }) => lane === orderLane);
  queue.offer(third);
  expect(queue.take()).toBeUndefined();
  queue.done(first);
  expect(queue.take()).toBe(third);
});

it("a publisher whose partition leaves while decisions wait has nothing left to do, and says so", async () => {
  using station = openStation();
  const acknowledge: (() => void)[] = [];
  const streams = {
    publish: () => new Promise((resolve) => acknowledge.push(() => resolve({ seq: 1, duplicate: false }))),
  };
  let rooms = 0;
  const publisher = createPublisher({
    streams: streams as unknown as PublisherOptions["streams"],
    jsm: {} as PublisherOptions["jsm"],
    outbox: station.outbox,
    laneOf: () => orderLane,
    maxInFlight: 1,
    isConnected: () => true,
    beforeRetry: () => Promise.resolve(),
    onPublished() {},
    onReconciled() {},
    onForeign() {},
    onTrouble() {},
    onProgress: () => rooms++,
  });
  const { decisions } = station.processor.apply(
    ["a", "b"].flatMap((id, nth) => [
      orderEvent(nth * 10 + 1, id, "PaymentProcessed", 1),
      orderEvent(nth * 10 + 2, id, "InventoryReserved", 2),
      orderEvent(nth * 10 + 3, id, "ShippingCalculated", { second: 3, estimatedDays: 3 }),
    ]),
  );
  publisher.offer(decisions, []);
  expect(publisher.backlog()).toBe(4);
  publisher.drop(orderLane);
  expect([publisher.backlog(), rooms]).toEqual([1, 1]);
  acknowledge.shift()?.();
  await until("nothing is on its way", () => publisher.backlog() === 0);
  expect(acknowledge).toEqual([]);
  publisher.stop();
});
