/** @import { ActorStep } from "../../answers/queries.ts" */
/** @import { Scene } from "./types.d.ts" */
import { describeArrivals } from "./actor-texts.js";
import { fill, h, s } from "./dom.js";
import { byEventTime, numberEvents } from "./event-order.js";
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
  const numbers = numberEvents(steps);
  const places = new Map(order.map((at, place) => [at, place]));
  const received = spansDays(steps.map(({ event }) => event.receivedAt));
  const happened = spansDays(steps.map(({ event }) => event.timestamp));
  /** @param {string} text @param {boolean} withDates @param {string | undefined} iso */
  const head = (text, withDates, iso) =>
    h("h3", {}, text, !withDates && iso !== undefined && [", ", h("span", { class: "day" }, iso.slice(0, 10))]);
  const arrivals = steps.map((step, at) =>
    renderTick(step, at, { iso: step.event.receivedAt, withDate: received, number: numbers[at] }, select),
  );
  const happenings = order.flatMap((at) => {
    const step = steps[at];
    if (step === undefined) return [];
    const when = { iso: step.event.timestamp, withDate: happened, number: numbers[at] };
    return [renderTick(step, at, when, select)];
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
    h("p", { class: "note" }, describeArrivals(steps)),
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
 * @param {ActorStep} step
 * @param {number} at
 * @param {{ iso: string, withDate: boolean, number: number | undefined }} when by the clock it is shown at, and which event
 * @param {(step: number) => void} select
 */
function renderTick({ event }, at, { iso, withDate, number }, select) {
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
    h("span", { class: "place" }, event.outcome !== "tick" && number),
    h(
      "span",
      { class: "name" },
      h("span", {}, words(event.eventType)),
      mark !== "" && h("span", { class: "note" }, mark),
    ),
    h("span", { class: "time" }, time(iso, withDate)),
  );
}
