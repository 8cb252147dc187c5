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
  const keys = steps.map(({ event: { timestamp, outcome, eventType, eventId } }) =>
    [timestamp.slice(0, -1), outcome === "tick" ? "1" : "0", eventType, eventId].join("\0"),
  );
  return [...steps.keys()].sort((a, b) => ((keys[a] ?? "") < (keys[b] ?? "") ? -1 : 1));
}

/** @param {readonly ActorStep[]} steps @returns {number[]} for each step, how many events were heard up to it */
export function numberEvents(steps) {
  let number = 0;
  return steps.map(({ event }) => (event.outcome === "tick" ? number : ++number));
}
