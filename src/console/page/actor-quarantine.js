/** @import { QuarantineNotice } from "../../answers/queries.ts" */
/** @import { Released } from "../../answers/quarantine.ts" */
/** @import { Machine } from "./types.d.ts" */
import { describeQuarantine, describeRelease } from "./actor-texts.js";
import { change } from "./api.js";
import { copyable, natstate } from "./copy.js";
import { h, write } from "./dom.js";

/**
 * Why an actor is quarantined, and what ends that.
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
      write(outcome, describeRelease(/** @type {Released} */ (await change(`${path}/release`, {}))));
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
      write(what, describeQuarantine(notice));
    },
  };
}
