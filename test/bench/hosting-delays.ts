import { createRandom } from "../../src/actor/seeded-random.ts";
import { isNewFact } from "../../src/flow/batch-result.ts";
import { createBatcher } from "../../src/flow/batcher.ts";
import type { Delivery } from "../../src/flow/delivery.ts";
import { createDeliveryQueue } from "../../src/flow/delivery-queue.ts";
import { startCheckpoints } from "../../src/store/checkpoints.ts";
import type { Lane } from "../../src/wire/lanes.ts";
import { deliver } from "../flow/delivery.ts";
import { openStation, type Station } from "../flow/station.ts";
import { accountType } from "./account-statechart.ts";

/** Milliseconds. */
export interface Delays {
  readonly p50: number;
  readonly p99: number;
}

/** What a late fact takes in an actor that has heard many: the time of its batch, in which it is alone. */
export interface LateFacts {
  readonly facts: number;
  /** The actor in memory. */
  readonly hot: Delays;
  /** The actor in its row. */
  readonly cold: Delays;
}

interface LateFactsOptions {
  readonly actors: number;
  readonly facts: number;
  readonly seed: number;
}

/** What one actor's events in reverse do to the others'. */
export interface Reversed {
  readonly facts: number;
  /** Of those, how many had acted before it was given up; the others wait. */
  readonly folded: number;
  readonly seconds: number;
  /** Of the other actors' events, from offered to committed; of those that were. */
  readonly others: Delays;
}

/** Late facts an actor, of each kind; those of the warm-up are not looked at. */
const ROUNDS = 10;
const WARM_UP_ROUNDS = 5;
const HOT_ACTORS = 4000;
const REVERSED = "reversed";
const LIMITS = { maxDeliveries: 1000, maxBytes: 8_388_608 };
const lane: Lane = { type: accountType, stream: "ACCOUNTS", partition: 3 };
const START_MS = Date.parse("2026-02-01T00:00:00Z");

/**
 * Between two batches the loop has its turn, and the log is copied by the thread, both as in a daemon.
 *
 * @param actors - each of so many facts; the JIT has seen late facts of the kind before those that are measured.
 */
export async function measureLateFacts({ actors, facts, seed }: LateFactsOptions): Promise<LateFacts> {
  using station = openStation(undefined, HOT_ACTORS);
  await using stack = new AsyncDisposableStack();
  const { promise: failed, reject } = Promise.withResolvers<never>();
  stack.defer(startCheckpoints(station.db, station.file, reject));
  const random = createRandom(seed);
  const ids = Array.from({ length: actors }, (_, index) => `account-${index}`);
  let sequence = 0;
  for (const id of ids) {
    station.processor.apply(Array.from({ length: facts }, (_, second) => book(++sequence, id, second)));
  }
  const late = () => random() * (facts - 1);
  const measure = async (prepare: (id: string) => void) => {
    const times: number[] = [];
    for (let round = 0; round < WARM_UP_ROUNDS + ROUNDS; round++) {
      for (const id of ids) {
        await Promise.race([failed, new Promise(setImmediate)]);
        prepare(id);
        times.push(timeOf(station, book(++sequence, id, late())));
      }
    }
    return delaysOf(times.slice(WARM_UP_ROUNDS * actors));
  };
  const hot = await measure(() => {});
  const cold = await measure((id) => station.actors.evict(lane, id));
  return { facts, hot, cold };
}

interface Pace {
  readonly facts: number;
  /** Of the actor, and as many of others. */
  readonly perSecond: number;
  /** What has not acted by then is counted as such. */
  readonly giveUpMs: number;
}

/**
 * Offers one actor's facts, the last first, and as many actors' single facts between them, to batches as the daemon
 * makes them.
 */
export async function measureReversed({ facts, perSecond, giveUpMs }: Pace): Promise<Reversed> {
  using station = openStation(undefined, HOT_ACTORS);
  let folded = 0;
  const startedMs = performance.now();
  const elapsedMs = () => performance.now() - startedMs;
  const { promise: failed, reject } = Promise.withResolvers<never>();
  const batcher = createBatcher({
    processor: station.processor,
    queue: createDeliveryQueue(67_108_864),
    limits: LIMITS,
    onCommitted({ handled }) {
      const own = handled.filter(({ observation, outcome }) => observation?.actorId === REVERSED && isNewFact(outcome));
      folded += own.length;
    },
    onFailed: reject,
    // Once given up, nothing more is taken.
    hasRoom: () => elapsedMs() < giveUpMs,
  });
  const delays: number[] = [];
  for (let offered = 0; (offered < facts || folded < facts) && elapsedMs() < giveUpMs; ) {
    for (; offered < facts && (offered / perSecond) * 1000 <= elapsedMs(); offered++) {
      const dueMs = (offered / perSecond) * 1000;
      const own = book(2 * offered + 1, REVERSED, facts - offered);
      const other = book(2 * offered + 2, `other-${offered}`, offered);
      batcher.push(own);
      batcher.push({ ...other, ack: () => void delays.push(elapsedMs() - dueMs) });
    }
    await Promise.race([failed, new Promise(setImmediate)]);
  }
  return { facts, folded, seconds: elapsedMs() / 1000, others: delaysOf(delays) };
}

function timeOf({ processor }: Station, delivery: Delivery): number {
  const startedMs = performance.now();
  processor.apply([delivery]);
  return performance.now() - startedMs;
}

/** @param second - event time; stored a month later, whatever it is. */
function book(sequence: number, accountId: string, second: number): Delivery {
  const timestamp = new Date(START_MS + second * 1000).toISOString();
  const body = { accountId, eventType: "Booked", eventId: `b-${sequence}`, timestamp, amount: 1 };
  return deliver(sequence, `accounts.${accountId}.Booked`, body, { lane });
}

function delaysOf(times: readonly number[]): Delays {
  const sorted = times.toSorted((a, b) => a - b);
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
  return { p50: at(0.5), p99: at(0.99) };
}
