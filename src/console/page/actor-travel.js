/** @import { Scene } from "./types.d.ts" */
import { fill, h } from "./dom.js";
import { numberEvents } from "./event-order.js";
import { count, words } from "./format.js";
import { outcomeMark } from "./outcomes.js";

/** The controls that go back and forth through the history, and where they are. */
export function createTravel() {
  /** @type {Scene | undefined} */
  let scene;
  const go = (/** @type {number} */ by) => scene?.select(scene.step + by);
  const back = h("button", { type: "button", "aria-label": "One event back", click: () => go(-1) }, "◀");
  const on = h("button", { type: "button", "aria-label": "One event on", click: () => go(1) }, "▶");
  const latest = h("button", { type: "button", click: () => scene?.select(scene.story.steps.length) }, "Latest");
  const slider = h("input", {
    type: "range",
    min: 0,
    "aria-label": "Event of the history",
    input: () => scene?.select(Number(slider.value)),
  });
  const where = h("output", { "aria-live": "polite" });
  return {
    element: h("div.travel", back, slider, on, latest, where),
    /** @param {Scene} shown */
    show(shown) {
      scene = shown;
      const { step, story, isLatest } = shown;
      slider.max = String(story.steps.length);
      slider.value = String(step);
      slider.setAttribute("aria-valuetext", `${step} of ${story.steps.length}`);
      back.disabled = step === 0;
      on.disabled = isLatest;
      latest.disabled = isLatest;
      const rest = story.total - story.steps.length;
      const more = rest > 0 && h("span.note", `(${count(rest)} later ones are not replayed here)`);
      fill(where, describeStep(shown), more);
    },
  };
}

/** @param {Scene} scene */
function describeStep({ step, story, isLatest }) {
  const now = story.steps[step - 1];
  if (now === undefined) return [h("strong", "Before the first event")];
  const mark = outcomeMark(now.event);
  const numbers = numberEvents(story.steps);
  const events = `${numbers[step - 1]} of ${numbers.at(-1)}`;
  return [
    h("strong", now.event.outcome === "tick" ? `After event ${events}` : `Event ${events}`),
    h("span", words(now.event.eventType)),
    mark !== "" && h("span.pill.dashed", mark),
    isLatest && h("span.note", "the latest"),
  ];
}
