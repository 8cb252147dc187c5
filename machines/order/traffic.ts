import type { TrafficMessage, TrafficOptions } from "../../src/actor/actor-type.ts";
import { inPlaces, type Placed, placeStory } from "../../src/actor/placed-traffic.ts";
import { createRandom } from "../../src/actor/seeded-random.ts";
import { malformedMessage } from "./malformed.ts";
import { SHOWCASE_ID } from "./reference.ts";
import { plainStory, randomStory, showcaseStory } from "./stories.ts";

/** In the past: a stream refuses events from its future. */
const START_MS = Date.UTC(2026, 0, 1);
/** Later than any other traffic, so that a payment believed by mistake would win; not beyond what a stream accepts. */
const AFTERWARDS_MS = 6 * 3_600_000;

/**
 * The events of orders as five independent services publish them: duplicated, late, shuffled, corrected, some missing,
 * some as CloudEvents. The same options give the same messages. Event times start at `startMs`, one order each `everyMs`.
 *
 * The first order is the article's own (docs/order.md), `order-123`, in the article's order of arrival and never late.
 * With `duplicates`, `late`, `fail` and `malformed` all 0 every order is plain instead: five events, one of each type,
 * one decision (`OrderConfirmed`), as benchmarks want it; `shuffle` still holds.
 */
export function orderTraffic(options: TrafficOptions): TrafficMessage[] {
  const { actors, idPrefix = "", shuffle, malformed, startMs = START_MS, everyMs = 1000 } = options;
  const random = createRandom(options.seed);
  const plain = options.duplicates === 0 && options.late === 0 && options.fail === 0 && malformed === 0;
  const idOf = (index: number) => idPrefix + (index === 0 ? SHOWCASE_ID : `order-${1000 + index}`);
  const placed: Placed[] = [];
  for (let index = 0; index < actors; index++) {
    const orderId = idOf(index);
    const firstMs = startMs + index * everyMs;
    if (plain) {
      placed.push(...placeStory(index, plainStory(orderId, firstMs, random), options, random));
    } else if (index === 0) {
      placed.push(...placeShowcase(showcaseStory(orderId, firstMs), options, random));
    } else {
      placed.push(...placeStory(index, randomStory(orderId, firstMs, options.fail, random), options, random));
    }
  }
  for (let index = 0; index < malformed; index++) {
    const lateMs = startMs + actors * everyMs + AFTERWARDS_MS;
    const message = malformedMessage(index, idOf(Math.floor(random() * actors)), lateMs);
    // Without shuffling a whole number is the gap between two orders.
    const place = shuffle === 0 ? Math.floor(random() * (actors + 1)) : random() * (actors + 1);
    placed.push({ place, message });
  }
  return inPlaces(placed);
}

/** The article's order keeps its order of arrival, spread over the first window, with its payment heard twice. */
function placeShowcase(
  story: readonly TrafficMessage[],
  { duplicates, shuffle }: TrafficOptions,
  random: () => number,
): Placed[] {
  const [payment] = story;
  const heard = duplicates > 0 && payment !== undefined ? [...story, payment] : story;
  const places = heard.map(() => random() * Math.max(1, shuffle)).sort((a, b) => a - b);
  return heard.map((message, position) => ({ place: places[position] ?? 0, message }));
}
