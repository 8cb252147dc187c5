/** @import { ActorStep } from "../../answers/queries.ts" */

/*
 * What an event did when it was heard, in words. `applied` goes without.
 */

/** @param {ActorStep["event"]} event @returns a word or two; empty when it was applied. */
export function outcomeMark({ outcome, replayed = 0 }) {
  switch (outcome) {
    case "applied":
      return "";
    case "reordered":
      return replayed === 0 ? "late" : `late, ${replayed} folded again`;
    case "held":
      return "kept";
    case "tick":
      return "time passed";
    default:
      return outcome;
  }
}

/** @param {ActorStep["event"]} event @returns a sentence; empty when it was applied. */
export function explainOutcome({ outcome, replayed = 0, timestamp }) {
  switch (outcome) {
    case "superseded":
      return "Superseded: something known already wins by event time, so it changed nothing.";
    case "reordered":
      return `It happened before others that were heard sooner: it took its place among them, and ${replayed} of them ${replayed === 1 ? "was" : "were"} folded again.`;
    case "unhandled":
      return "Nothing in the machine took it at the time it happened. It is kept: an event that happened earlier may still change that.";
    case "held":
      return "Kept: with it the actor's events could not be folded, or its rules failed on them. Events heard later may mend that.";
    case "tick":
      return `No event of the machine: it says that the time up to ${timestamp} has passed, so that delays due by then act.`;
    default:
      return "";
  }
}
