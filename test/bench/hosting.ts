import { isDeepStrictEqual } from "node:util";
import { orderType } from "../../machines/order/order.ts";
import type { ActorType, TrafficMessage } from "../../src/actor/actor-type.ts";
import { createRandom } from "../../src/actor/seeded-random.ts";
import type { Outcome } from "../../src/flow/batch-result.ts";
import type { Delivery } from "../../src/flow/delivery.ts";
import { deliver } from "../flow/delivery.ts";
import { openStation, type Station } from "../flow/station.ts";
import { orderByEventTime } from "./order-statechart.ts";
import { median } from "./report.ts";
import { EVENTS_PER_ORDER, plainOrders } from "./workload.ts";

/** What the order's rules cost, hosted one way, where that share of the events is heard late. */
export interface Hosted {
  readonly ordering: "merge" | "event-time";
  /** Of events that are heard after all that happened later. */
  readonly late: number;
  readonly eventsPerSecond: number;
  readonly cpuUsPerEvent: number;
  /** Of all events: those that made the host fold others again. */
  readonly reordered: number;
}

export interface HostingOptions {
  readonly orders: number;
  readonly repeat: number;
  readonly seed: number;
}

const SHARES = [0, 0.1, 0.5];
const TYPES = [orderType as ActorType, orderByEventTime];
/** As the daemon's own: `NATSTATE_BATCH_EVENTS` and, below, `NATSTATE_HOT_ACTORS`. */
export const BATCH = 1000;
const HOT_ACTORS = 4000;
const WARM_UP_ORDERS = 1000;

/**
 * Measures the bundled order, which merges, and the same rules as an ordinary statechart by event time, through the
 * processor on a SQLite file: in turns, medians.
 *
 * @throws when the two do not come to the same states and decisions.
 */
export function measureHosting({ orders, repeat, seed }: HostingOptions): Hosted[] {
  for (const type of TYPES) runOrders(type, arrivals(WARM_UP_ORDERS, 0.1, seed));
  const runs: Hosted[] = [];
  for (let round = 0; round < repeat; round++) {
    for (const late of SHARES) {
      const subjects = arrivals(orders, late, seed + round);
      const [merged, folded] = TYPES.map((type) => runOrders(type, subjects));
      if (!isDeepStrictEqual(merged?.ends, folded?.ends)) throw new Error("the two orders end differently");
      for (const run of [merged, folded]) if (run !== undefined) runs.push({ ...run.hosted, late });
    }
  }
  return SHARES.flatMap((late) =>
    TYPES.map(({ ordering = "event-time" }) => {
      const own = runs.filter((run) => run.late === late && run.ordering === ordering);
      const of = (figure: (run: Hosted) => number) => median(own.map(figure));
      return {
        ordering,
        late,
        eventsPerSecond: of((run) => run.eventsPerSecond),
        cpuUsPerEvent: of((run) => run.cpuUsPerEvent),
        reordered: of((run) => run.reordered),
      };
    }),
  );
}

type Arrived = Pick<TrafficMessage, "subject" | "body">;

/** Orders begin one after another, so that an order's events come in batches of their own; late ones after all others. */
function arrivals(orders: number, late: number, seed: number): Arrived[] {
  const random = createRandom(seed);
  const step = orders / EVENTS_PER_ORDER;
  const messages = plainOrders({ orders, seed, shuffle: 0 });
  const placed = Array.from({ length: orders }, (_, order) =>
    inTime(messages.slice(order * EVENTS_PER_ORDER, (order + 1) * EVENTS_PER_ORDER)).map((message, index) => {
      const position = random() < late ? EVENTS_PER_ORDER + random() : index;
      return { ...message, place: order + position * step };
    }),
  ).flat();
  return placed.sort((a, b) => a.place - b.place);
}

function inTime(messages: readonly Arrived[]): Arrived[] {
  const timeOf = ({ body }: Arrived) =>
    Date.parse((JSON.parse(Buffer.from(body).toString()) as { timestamp: string }).timestamp);
  return messages.toSorted((a, b) => timeOf(a) - timeOf(b));
}

function runOrders(type: ActorType, messages: readonly Arrived[]): { hosted: Omit<Hosted, "late">; ends: unknown[] } {
  using station = openStation(undefined, HOT_ACTORS);
  const lane = { type, stream: "ORDERS", partition: 3 };
  const deliveries = messages.map(({ subject, body }, index) => deliver(index + 1, subject, body, { lane }));
  const outcomes = new Map<Outcome, number>();
  const startedMs = performance.now();
  const before = process.cpuUsage();
  for (const batch of batchesOf(deliveries)) {
    for (const { outcome } of station.processor.apply(batch).handled) {
      outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
    }
  }
  const { user, system } = process.cpuUsage(before);
  const seconds = (performance.now() - startedMs) / 1000;
  const hosted = {
    ordering: type.ordering ?? "event-time",
    eventsPerSecond: deliveries.length / seconds,
    cpuUsPerEvent: (user + system) / deliveries.length,
    reordered: (outcomes.get("reordered") ?? 0) / deliveries.length,
  };
  return { hosted, ends: endsOf(station) };
}

/** States and standing decisions of all actors. */
function endsOf({ db }: Station): unknown[] {
  return db.prepare("SELECT id, state, standing FROM actors ORDER BY id").all();
}

function* batchesOf(deliveries: readonly Delivery[]): Generator<readonly Delivery[]> {
  for (let from = 0; from < deliveries.length; from += BATCH) yield deliveries.slice(from, from + BATCH);
}
