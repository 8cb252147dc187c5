/** @import { ActorStep } from "../../answers/queries.ts" */
/** @import { Scene } from "./types.d.ts" */
import { fill, h, s } from "./dom.js";
import { spansDays, time, words } from "./format.js";
import { outcomeMark } from "./outcomes.js";

/** Of the drawing between the two columns; it is stretched to the space there is. */
const WIDTH = 100;

/**
 * The events by arrival on one side and by event time on the other, each joined to itself: what came in order gives
 * level lines, what did not crosses others.
 */
export function createClocks() {
  const element = h("div");
  /** @type {readonly ActorStep[] | undefined} */
  let drawn;
  /** @type {(step: number) => void} */
  let select = () => {};
  return {
    element,
    /** @param {Scene} scene */
    show(scene) {
      select = scene.select;
      if (drawn !== scene.story.steps) {
        drawn = scene.story.steps;
        fill(
          element,
          draw(drawn, (step) => select(step)),
        );
      }
      for (const part of element.querySelectorAll("[data-step]")) {
        part.classList.toggle("selected", part.getAttribute("data-step") === String(scene.step));
      }
    },
  };
}

/**
 * @param {readonly ActorStep[]} steps
 * @param {(step: number) => void} select
 */
function draw(steps, select) {
  const order = byEventTime(steps);
  const places = new Map(order.map((at, place) => [at, place]));
  const received = spansDays(steps.map(({ event }) => event.receivedAt));
  const happened = spansDays(steps.map(({ event }) => event.timestamp));
  /** @param {string} text @param {boolean} withDates @param {string | undefined} iso */
  const head = (text, withDates, iso) =>
    h("h3", {}, text, !withDates && iso !== undefined && [", ", h("span", { class: "day" }, iso.slice(0, 10))]);
  const arrivals = steps.map((step, at) =>
    renderTick(step, at, { iso: step.event.receivedAt, withDate: received }, select),
  );
  const happenings = order.flatMap((at) => {
    const step = steps[at];
    return step === undefined ? [] : [renderTick(step, at, { iso: step.event.timestamp, withDate: happened }, select)];
  });
  const wires = steps.map(({ event }, at) => {
    const [from, to] = [at + 0.5, (places.get(at) ?? 0) + 0.5];
    return s("path", {
      class: `wire ${event.outcome}`,
      "data-step": at + 1,
      d: `M0,${from}C${WIDTH * 0.45},${from} ${WIDTH * 0.55},${to} ${WIDTH},${to}`,
      "vector-effect": "non-scaling-stroke",
    });
  });
  const lines = s(
    "svg",
    { viewBox: `0 0 ${WIDTH} ${steps.length}`, preserveAspectRatio: "none", "aria-hidden": "true" },
    wires,
  );
  lines.style.height = `calc(var(--row) * ${steps.length})`;
  return [
    h("p", { class: "note" }, describe(steps)),
    h(
      "div",
      { class: "clocks" },
      h(
        "div",
        {},
        head("by arrival", received, steps[0]?.event.receivedAt),
        h(
          "ol",
          {},
          arrivals.map((tick) => h("li", {}, tick)),
        ),
      ),
      h("div", { "aria-hidden": "true" }, h("h3", {}, "\u00a0"), lines),
      h(
        "div",
        {},
        head("by event time", happened, steps[0]?.event.timestamp),
        h(
          "ol",
          {},
          happenings.map((tick) => h("li", {}, tick)),
        ),
      ),
    ),
  ];
}

/**
 * Equal times are in the order in which the machine ranks them: by event id.
 *
 * @param {readonly ActorStep[]} steps
 * @returns {number[]} indexes of `steps`
 */
function byEventTime(steps) {
  const keys = steps.map(({ event }) => `${event.timestamp.slice(0, -1)} ${event.eventId}`);
  return steps.map((_, index) => index).sort((a, b) => ((keys[a] ?? "") < (keys[b] ?? "") ? -1 : 1));
}

/** @param {readonly ActorStep[]} steps */
function describe(steps) {
  let latest = "";
  let late = 0;
  const facts = steps.filter(({ event }) => event.outcome !== "tick");
  for (const { event } of facts) {
    const at = event.timestamp.slice(0, -1);
    if (at < latest) late++;
    else latest = at;
  }
  const copies = steps.reduce((sum, { event }) => sum + event.duplicates, 0);
  const number = (/** @type {string} */ outcome) => facts.filter(({ event }) => event.outcome === outcome).length;
  const were = (/** @type {number} */ number, /** @type {string} */ what) =>
    `${number === 0 ? "none" : number} ${number === 1 ? "was" : "were"} ${what}`;
  const heard = copies === 0 ? "" : ` ${copies} ${copies === 1 ? "copy was" : "copies were"} heard besides.`;
  // By event time none is superseded: all are heard where they happened.
  const also = ["superseded", "unhandled", "held"].filter((outcome) => number(outcome) > 0);
  const besides = also.length === 0 ? "" : `, ${also.map((outcome) => were(number(outcome), outcome)).join(", ")}`;
  return `Of ${facts.length} events ${late === 0 ? "none" : late} came after one that happened later${besides}.${heard}`;
}

/**
 * @param {ActorStep} step
 * @param {number} at
 * @param {{ iso: string, withDate: boolean }} when by the clock it is shown at
 * @param {(step: number) => void} select
 */
function renderTick({ event }, at, { iso, withDate }, select) {
  const marks = [
    outcomeMark(event),
    event.duplicates > 0 ? `heard ${event.duplicates + 1}×` : "",
    event.conflicts > 0 ? "in conflict" : "",
  ];
  const mark = marks.filter(Boolean).join(", ");
  return h(
    "button",
    {
      type: "button",
      class: "tick",
      "data-step": at + 1,
      title: `${event.eventType} ${event.eventId}, ${iso}`,
      click: () => select(at + 1),
    },
    h("span", { class: "place" }, String(at + 1)),
    h(
      "span",
      { class: "name" },
      h("span", {}, words(event.eventType)),
      mark !== "" && h("span", { class: "note" }, mark),
    ),
    h("span", { class: "time" }, time(iso, withDate)),
  );
}
