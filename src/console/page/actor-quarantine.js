/** @import { QuarantineNotice } from "../../answers/queries.ts" */
/** @import { Released } from "../../answers/quarantine.ts" */
/** @import { Machine } from "./types.d.ts" */
import { describeQuarantine, describeRelease } from "./actor-texts.js";
import { change, messageOf } from "./api.js";
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
  const what = h("p.any");
  const outcome = h("p.note", { role: "status" });
  const button = h("button", { type: "button", class: "primary", click: () => void release() }, "Release");
  const element = h(
    "section.card.stack.problem",
    { "aria-label": "Quarantine", hidden: true },
    h("h2", "Quarantined"),
    what,
    h("div.pager", outcome, button),
    copyable(natstate(machine, `quarantine release ${id}`)),
  );

  async function release() {
    button.disabled = true;
    try {
      write(outcome, describeRelease(/** @type {Released} */ (await change(`${path}/release`, {}))));
    } catch (error) {
      write(outcome, messageOf(error));
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
