/** @import { QuarantineNotice } from "../../answers/queries.ts" */
/** @import { Released } from "../../answers/quarantine.ts" */
/** @import { Machine } from "./types.d.ts" */
import { change } from "./api.js";
import { copyable, natstate } from "./copy.js";
import { h, write } from "./dom.js";
import { count } from "./format.js";

/**
 * Why nothing that arrives about an actor is applied, and what ends that.
 *
 * @param {Machine} machine
 * @param {string} id
 * @param {string} path of the actor in the API
 */
export function createQuarantine(machine, id, path) {
  const what = h("p", { class: "any" });
  const outcome = h("p", { class: "note", role: "status" });
  const button = h("button", { type: "button", class: "primary", click: () => void release() }, "Release");
  const element = h(
    "section",
    { class: "card stack problem", "aria-label": "Quarantine", hidden: true },
    h("h2", {}, "Quarantined"),
    what,
    h("div", { class: "pager" }, outcome, button),
    copyable(natstate(machine, `quarantine release ${id}`)),
  );

  async function release() {
    button.disabled = true;
    try {
      write(outcome, describe(/** @type {Released} */ (await change(`${path}/release`, {}))));
    } catch (error) {
      write(outcome, error instanceof Error ? error.message : String(error));
    }
    button.disabled = false;
  }

  return {
    element,
    /** @param {QuarantineNotice | undefined} notice */
    show(notice) {
      element.hidden = notice === undefined;
      if (notice === undefined) return;
      const { error, since, parked } = notice;
      const kept = `${count(parked)} ${parked === 1 ? "event is" : "events are"} kept back`;
      write(
        what,
        `Since ${since}: ${error}. ${kept}; once the machine is mended, a release applies them in their order.`,
      );
    },
  };
}

/** @param {Released} released */
function describe({ released, applied, parked }) {
  return released ? `Released: ${count(applied)} applied.` : `Its machine failed again: ${count(parked)} kept back.`;
}
