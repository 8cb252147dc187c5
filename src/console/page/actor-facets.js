/** @import { Scene } from "./types.d.ts" */
import { h } from "./dom.js";
import { field, words } from "./format.js";

/**
 * Every facet as it is at this step, with the event that filled it.
 *
 * @param {Scene} scene
 */
export function renderFacets(scene) {
  const { story, step } = scene;
  const now = story.steps[step - 1] ?? story.initial;
  return Object.entries(now.view).map(([name, value]) => {
    const source = sourceOf(scene, name);
    const isKnown = value !== null && value !== undefined;
    const className = ["facet", isKnown ? "" : "unknown", source === step && step > 0 ? "changed" : ""].join(" ");
    return h(
      "section",
      { class: className, "data-facet": name },
      h("h3", words(name)),
      isKnown ? renderValue(value) : h("p.note", "not known yet"),
      source > 0 &&
        h("button", { type: "button", class: "link", click: () => scene.select(source) }, `from event ${source}`),
    );
  });
}

/**
 * The last event up to this step that changed the facet; 0 when none did.
 *
 * @param {Scene} scene
 * @param {string} name
 */
function sourceOf({ story, step }, name) {
  const isOf = (/** @type {string} */ path) => path === name || path.startsWith(`${name}.`);
  return story.steps.slice(0, step).findLastIndex(({ changes }) => changes.some(({ path }) => isOf(path))) + 1;
}

/** @param {unknown} value */
function renderValue(value) {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return h("p.any", field(value));
  const rows = Object.entries(value).map(([name, inner]) => [h("dt", name), h("dd", field(inner))]);
  return h("dl", rows);
}
