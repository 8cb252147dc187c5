import type { TrafficMessage, TrafficOptions } from "./actor-type.ts";
import type { Random } from "./seeded-random.ts";

export interface Placed {
  readonly place: number;
  readonly message: TrafficMessage;
}

/**
 * Gives each event of an actor a place: actors stand at `index`..`index + 1`, windows of `shuffle` actors are mixed
 * evenly, late events stand beyond the last actor, and copies anywhere from their original to two windows later.
 */
export function placeStory(
  index: number,
  story: readonly TrafficMessage[],
  { actors, duplicates, late, shuffle }: TrafficOptions,
  random: Random,
): Placed[] {
  const placed: Placed[] = [];
  const window = Math.max(1, shuffle);
  const windowStart = index - (index % window);
  const step = 1 / (story.length + 1);
  story.forEach((message, position) => {
    let place = shuffle === 0 ? index + (position + 1) * step : windowStart + random() * window;
    if (late > 0 && random() < late) place = actors + 2 * window + random();
    placed.push({ place, message });
    if (duplicates === 0 || random() >= duplicates) return;
    const copies = random() < 0.25 ? 2 : 1;
    for (let copy = 0; copy < copies; copy++) {
      const distance = shuffle === 0 ? step : 2 * window;
      placed.push({ place: place + random() * distance, message });
    }
  });
  return placed;
}

/** Sorting is stable, so that equal places keep their order and every run agrees. */
export function inPlaces(placed: readonly Placed[]): TrafficMessage[] {
  return placed.toSorted((a, b) => a.place - b.place).map(({ message }) => message);
}
