/** @import { DeadLetterSummary } from "../../answers/dead-letters.ts" */
/** @import { Machine } from "./types.d.ts" */

import { addressOfActor } from "./addresses.js";
import { ask, messageOf } from "./api.js";
import { renderLetter } from "./dead-letter.js";
import { fill, h, write } from "./dom.js";
import { ago, count } from "./format.js";

/**
 * A dead letter in the list: `rows` are itself and its details, which are asked for when they are opened.
 *
 * @typedef {{ letter: DeadLetterSummary, box: HTMLInputElement, outcome: HTMLElement, rows: HTMLElement[] }} Row
 */

/**
 * @param {Machine} machine
 * @param {DeadLetterSummary} letter
 * @param {() => void} onChange told when it is selected or no longer
 * @returns {Row}
 */
export function createRow({ type }, letter, onChange) {
  const { sequence, reason, error, subject, receivedAt, bytes, publishedSequence } = letter;
  // Its event is kept back with its actor: sent again it would only join itself.
  const id = reason === "machine_error" ? (subject.split(".").at(-2) ?? "") : null;
  const disabled = publishedSequence === null || id !== null;
  const box = h("input", { type: "checkbox", "aria-label": `Select ${sequence}`, disabled, change: onChange });
  const outcome = h("p.outcome", { role: "status" });
  const detail = h("td", { colspan: 4, class: "wide" });
  const detailRow = h("tr", { hidden: true }, detail);
  const click = () => void open();
  const toggle = h("button", { type: "button", class: "link", "aria-expanded": "false", click }, error);
  const release =
    id !== null && h("p.note", "kept back until its release: ", h("a", { href: addressOfActor(type, id) }, id));
  const row = h(
    "tr",
    h("td.check", box),
    h("td.wide.any", toggle, h("p.note", `${subject}, ${count(bytes)} bytes`), release, outcome),
    h("td", h("span.pill", reason)),
    h("td.muted", { title: receivedAt }, ago(receivedAt)),
  );

  async function open() {
    const isOpen = detailRow.hidden === true;
    detailRow.hidden = !isOpen;
    row.classList.toggle("open", isOpen);
    toggle.setAttribute("aria-expanded", String(isOpen));
    if (!isOpen || detail.hasChildNodes()) return;
    try {
      fill(detail, renderLetter(await ask(`/api/dead-letters/${sequence}?type=${type.name}`)));
    } catch (problem) {
      write(detail, messageOf(problem));
    }
  }

  return { letter, box, outcome, rows: [row, detailRow] };
}
