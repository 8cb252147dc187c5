/** @import { Released } from "../../answers/quarantine.ts" */
/** @import { ActorAnswer, ActorStep, QuarantineNotice } from "../../answers/queries.ts" */
import { count, field, sum, words } from "./format.js";

/*
 * What the page says of one actor, in sentences. An actor by event time that is held keeps its events in its history,
 * so that nothing is kept back: `parked` is 0.
 */

/** @param {QuarantineNotice} notice @returns {string} why it is quarantined, and what ends that */
export function describeQuarantine({ error, since, parked }) {
  const ends =
    parked === 0
      ? "Its events are kept in its history. Each further event folds all of them again and may end this; after a fix of the machine, release it."
      : `${count(parked)} ${parked === 1 ? "event is" : "events are"} kept back; once the machine is mended, a release applies them in their order.`;
  return `Since ${since}: ${error}. ${ends}`;
}

/** @param {Released} released @returns {string} what came of it */
export function describeRelease({ released, applied, reordered = 0, unhandled = 0, held = 0, parked }) {
  if (!released) return `Its machine failed again${parked === 0 ? "" : `: ${count(parked)} kept back`}.`;
  const kinds = /** @type {const} */ ([
    [reordered, "reordered"],
    [unhandled, "unhandled"],
    [held, "held"],
  ]);
  const others = kinds.filter(([number]) => number > 0).map(([number, what]) => `, ${count(number)} ${what}`);
  return `Released: ${count(applied)} applied${others.join("")}.`;
}

/**
 * @param {readonly string[]} waitingFor event types
 * @param {ActorAnswer["due"]} due delays that run
 * @param {QuarantineNotice | undefined} quarantine set while it is quarantined
 * @returns {string} what it waits for
 */
export function describeWaiting(waitingFor, due, quarantine) {
  const waits = describeEvents(waitingFor, quarantine);
  if (due.length === 0) return waits;
  const delays = due.map(({ path, at }) => `${path} until ${field(at)}`);
  return `${waits} ${due.length === 1 ? "A delay runs" : "Delays run"}: ${delays.join(", ")}.`;
}

/** @param {readonly string[]} waitingFor @param {QuarantineNotice | undefined} quarantine */
function describeEvents(waitingFor, quarantine) {
  if (quarantine?.parked === 0) return "It waits for an event that mends it, or for its release after a fix.";
  if (quarantine !== undefined) return "It waits for its release: what arrives is kept back.";
  return waitingFor.length === 0 ? "It waits for no event." : `It waits for ${waitingFor.map(words).join(", ")}.`;
}

/** @param {readonly ActorStep[]} steps @returns {string} how far its events came out of order, and what became of them */
export function describeArrivals(steps) {
  let latest = "";
  let late = 0;
  const facts = steps.filter(({ event }) => event.outcome !== "tick");
  for (const { event } of facts) {
    const at = event.timestamp.slice(0, -1);
    if (at < latest) late++;
    else latest = at;
  }
  const copies = sum(facts.map(({ event }) => event.duplicates));
  const number = (/** @type {string} */ outcome) => facts.filter(({ event }) => event.outcome === outcome).length;
  const were = (/** @type {number} */ number, /** @type {string} */ what) =>
    `${number} ${number === 1 ? "was" : "were"} ${what}`;
  const heard = copies === 0 ? "" : ` ${copies} ${copies === 1 ? "copy was" : "copies were"} heard besides.`;
  // By event time none is superseded: all are heard where they happened.
  const also = ["superseded", "unhandled", "held"].filter((outcome) => number(outcome) > 0);
  const besides = also.length === 0 ? "" : `, ${also.map((outcome) => were(number(outcome), outcome)).join(", ")}`;
  const all = `${facts.length} ${facts.length === 1 ? "event" : "events"}`;
  return `Of ${all} ${late === 0 ? "none" : late} came after one that happened later${besides}.${heard}`;
}
