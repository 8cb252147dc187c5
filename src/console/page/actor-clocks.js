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
  /** @param {string} title @param {"receivedAt" | "timestamp"} clock @param {readonly number[]} indexes of steps */
  const column = (title, clock, indexes) => {
    const withDate = spansDays(steps.map(({ event }) => event[clock]));
    const day = steps[0]?.event[clock].slice(0, 10);
    const ticks = indexes.map((at) => {
      const { event } = /** @type {ActorStep} */ (steps[at]);
      const tick = { type: "button", "data-step": at + 1, click: () => select(at + 1) };
      const title = `${event.eventType} ${event.eventId}, ${event[clock]}`;
      return h(
        "li",
        h("button.tick", { ...tick, title }, describeTick(event, numbers[at], time(event[clock], withDate))),
      );
    });
    return h("div", h("h3.note", title, !withDate && day !== undefined && [", ", h("span.day", day)]), h("ol", ticks));
  };
  const lines = s(
    "svg",
    { viewBox: `0 0 ${WIDTH} ${steps.length}`, preserveAspectRatio: "none", "aria-hidden": "true" },
    order.map((at, place) => drawWire(/** @type {ActorStep} */ (steps[at]), at, place)),
  );
  lines.style.height = `calc(var(--row) * ${steps.length})`;
  return [
    h("p.note", describeArrivals(steps)),
    h(
      "div.clocks",
      column("by arrival", "receivedAt", [...steps.keys()]),
      h("div", { "aria-hidden": "true" }, h("h3.note", "\u00a0"), lines),
      column("by event time", "timestamp", order),
    ),
  ];
}

/** @param {ActorStep} step @param {number} at its place by arrival @param {number} place by event time */
function drawWire({ event }, at, place) {
  const [from, to] = [at + 0.5, place + 0.5];
  return s("path", {
    class: `wire ${event.outcome}`,
    "data-step": at + 1,
    d: `M0,${from}C${WIDTH * 0.45},${from} ${WIDTH * 0.55},${to} ${WIDTH},${to}`,
    "vector-effect": "non-scaling-stroke",
  });
}

/**
 * @param {ActorStep["event"]} event
 * @param {number | undefined} number which event it is
 * @param {string} when by the clock it is shown at
 */
function describeTick(event, number, when) {
  const marks = [
    outcomeMark(event),
    event.duplicates > 0 ? `heard ${event.duplicates + 1}×` : "",
    event.conflicts > 0 ? "in conflict" : "",
  ];
  const mark = marks.filter(Boolean).join(", ");
  return [
    h("span.place", event.outcome !== "tick" && number),
    h("span.name", h("span", words(event.eventType)), mark !== "" && h("span.note", mark)),
    h("span.time", when),
  ];
}
