import { setTimeout as delay } from "node:timers/promises";
import type { ActorType } from "../../src/actor/actor-type.ts";
import { querySubject } from "../../src/wire/names.ts";
import type { RunningContender } from "./contender.ts";
import { type LiveLatency, measureLive } from "./live.ts";
import { type Rest, type RestOptions, waitForRest } from "./rest.ts";

/** Latency at 200 events/s, with so many actors in the store. */
export interface GrowthLatency {
  /** From the moment when all further events are heard. */
  readonly afterBurst: LiveLatency;
  readonly rest: Rest;
  readonly atRest: LiveLatency;
  /** At rest, and somebody reads lists. */
  readonly besideLists: LiveLatency;
}

const EVENTS_PER_SECOND = 200;
const AFTER_BURST = { eventsPerSecond: EVENTS_PER_SECOND, seconds: 12, rampUpSeconds: 0 };
const AT_REST = { eventsPerSecond: EVENTS_PER_SECOND, seconds: 15, rampUpSeconds: 3 };
const LIST_EVERY_MS = 100;
const LISTS = ["{}", '{"state":"confirmed"}', '{"decision":"OrderConfirmed"}'];

/** Events that {@link measureGrowthLatency} publishes, of new orders. */
export const LIVE_EVENTS = EVENTS_PER_SECOND * (AFTER_BURST.seconds + 2 * AT_REST.seconds);

/** @param seed - no other's, nor one of the two after it. */
export async function measureGrowthLatency(
  running: RunningContender,
  type: ActorType,
  options: RestOptions & { readonly seed: number },
): Promise<GrowthLatency> {
  const { seed, store } = options;
  const afterBurst = await measureLive(running, store, { ...AFTER_BURST, seed });
  const rest = await waitForRest(options);
  const atRest = await measureLive(running, store, { ...AT_REST, seed: seed + 1 });
  const besideLists = await besideReader(running, type, () =>
    measureLive(running, store, { ...AT_REST, seed: seed + 2 }),
  );
  return { afterBurst, rest, atRest, besideLists };
}

/** Somebody reads a page of all, of a state and of a decision in turn, ten times a second. */
async function besideReader<Value>(
  { nc }: RunningContender,
  type: ActorType,
  work: () => Promise<Value>,
): Promise<Value> {
  let isReading = true;
  const reading = (async () => {
    for (let count = 0; isReading; count++) {
      await nc.request(querySubject(type, "list"), LISTS[count % LISTS.length]).catch(() => {});
      await delay(LIST_EVERY_MS);
    }
  })();
  try {
    return await work();
  } finally {
    isReading = false;
    await reading;
  }
}
