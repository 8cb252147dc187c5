/** @import { ActorStep } from "../../answers/queries.ts" */

/*
 * An actor's steps, counted and ordered. A tick is a step, but no event.
 */

/**
 * As the fold orders them: by time, event type, event id; what happened at a deadline comes before the delay that ends
 * there.
 *
 * @param {readonly ActorStep[]} steps
 * @returns {number[]} indexes of `steps`
 */
export function byEventTime(steps) {
  const keys = steps.map(({ event }) => [
    event.timestamp.slice(0, -1),
    event.outcome === "tick" ? "1" : "0",
    event.eventType,
    event.eventId,
  ]);
  return steps.map((_, index) => index).sort((a, b) => compare(keys[a] ?? [], keys[b] ?? []));
}

/** @param {readonly string[]} a @param {readonly string[]} b */
function compare(a, b) {
  for (const [index, own] of a.entries()) {
    const other = b[index] ?? "";
    if (own !== other) return own < other ? -1 : 1;
  }
  return 0;
}

/** @param {readonly ActorStep[]} steps @returns {number[]} for each step, how many events were heard up to it */
export function numberEvents(steps) {
  let number = 0;
  return steps.map(({ event }) => (event.outcome === "tick" ? number : ++number));
}
