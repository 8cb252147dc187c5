/** @import { DeadLetterPage } from "../../answers/dead-letters.ts" */
/** @import { Stats } from "../../answers/queries.ts" */
/** @import { Machine, Place, View } from "./types.d.ts" */
/** @import { Row } from "./dead-letter-row.js" */

import { addressOfView } from "./addresses.js";
import { ask, change, messageOf } from "./api.js";
import { copyable, natstate } from "./copy.js";
import { createRow } from "./dead-letter-row.js";
import { card, choice, fill, h, table, write } from "./dom.js";
import { count, sum } from "./format.js";
import { createPager } from "./pager.js";

const PAGE = 50;
const ABOUT =
  "Messages that could not be read as events. Redriving sends the original bytes and headers again, to where they had been sent; a message that still cannot be read becomes a new dead letter, and this one stays.";

/** @typedef {{ sequence: number, outcome: "redriven" | "duplicate" | "failed", streamSequence?: number, error?: string }} Outcome */

/**
 * What could not be applied: why, what exactly, and sending it again.
 *
 * @param {Place} place
 * @returns {Promise<View>}
 */
export async function showDeadLetters({ machine, query, latest }) {
  const stats = latest?.stats ?? /** @type {Stats} */ (await ask(`/api/stats?type=${machine.type.name}`));
  const reasons = createReasons(stats, machine.reasons, query.get("reason") ?? "", () => void pager.restart());
  const selection = createSelection(machine);
  const body = h("tbody");
  const pager = createPager({
    read: (cursor) => readPage(machine, reasons.value, cursor),
    show(/** @type {{ letters: DeadLetterPage["deadLetters"], next: string | null }} */ { letters }) {
      const rows = letters.map((letter) => createRow(machine, letter, selection.show));
      const elements = rows.map((row) => row.rows);
      fill(body, elements);
      selection.offer(rows);
      return rows.length === 0 ? "No dead letters here." : `${count(rows.length)} dead letters, newest first`;
    },
  });
  await pager.restart();
  const list = h("section.card.list", { "aria-label": "Dead letters" });
  list.append(table("letters cards", [selection.all, "what is wrong", "reason", "stored"], body), pager.element);
  const element = h(
    "div.stack",
    h("h1", { tabindex: -1 }, "Dead letters"),
    h("section.card.stack", h("div.pager", reasons, selection.button), h("p.note", ABOUT)),
    list,
    card("The same in a terminal", "", selection.command),
  );
  return { element, title: "Dead letters", onPulse: pager.again };
}

/**
 * @param {Machine} machine
 * @param {string} reason
 * @param {string | null} cursor
 */
async function readPage(machine, reason, cursor) {
  const { type } = machine;
  const parameters = new URLSearchParams({ type: type.name, limit: String(PAGE) });
  if (reason !== "") parameters.set("reason", reason);
  if (cursor !== null) parameters.set("cursor", cursor);
  history.replaceState(null, "", addressOfView(machine, "dead-letters", reason === "" ? {} : { reason }));
  const page = /** @type {DeadLetterPage} */ (await ask(`/api/dead-letters?${parameters}`));
  return { letters: page.deadLetters, next: page.nextCursor };
}

/**
 * Which of the rows shown are selected, and what can be done with those.
 *
 * @param {Machine} machine
 */
function createSelection(machine) {
  /** @type {readonly Row[]} */
  let rows = [];
  const selected = () => rows.filter(({ box }) => box.checked);
  const all = h("input", { type: "checkbox", "aria-label": "Select all on this page", change: selectAll });
  const button = h("button", { type: "button", class: "primary", click: () => void redriveSelected() }, "Redrive");
  const command = h("div");

  function selectAll() {
    for (const { box } of rows) box.checked = all.checked && !box.disabled;
    show();
  }

  function show() {
    const chosen = selected();
    button.disabled = chosen.length === 0;
    write(button, chosen.length === 0 ? "Redrive" : `Redrive ${count(chosen.length)}`);
    const numbers = chosen.map(({ letter }) => letter.publishedSequence).join(" ");
    // Numbers are those of DEAD_LETTERS, which is for all types.
    const redriving = ["npx natstate dead-letters redrive", numbers, machine.where].join(" ").trimEnd();
    fill(command, copyable(numbers === "" ? natstate(machine, "dead-letters list") : redriving));
  }

  async function redriveSelected() {
    button.disabled = true;
    await redrive(machine, selected());
    all.checked = false;
    show();
  }

  return {
    all,
    button,
    command,
    show,
    /** @param {readonly Row[]} shown */
    offer(shown) {
      rows = shown;
      all.checked = false;
      show();
    },
  };
}

/**
 * Sends dead letters again and tells beside each what became of it.
 *
 * @param {Machine} machine
 * @param {readonly Row[]} rows
 */
async function redrive({ type }, rows) {
  for (const { outcome } of rows) write(outcome, "sending …");
  try {
    const sequences = rows.map(({ letter }) => letter.sequence);
    const path = `/api/dead-letters/redrive?type=${type.name}`;
    const answer = /** @type {{ deadLetters: Outcome[] }} */ (await change(path, { sequences }));
    for (const told of answer.deadLetters) {
      const row = rows.find(({ letter }) => letter.sequence === told.sequence);
      if (row === undefined) continue;
      write(row.outcome, describeOutcome(told, row.letter.stream));
      row.box.checked = told.outcome !== "redriven";
    }
  } catch (error) {
    for (const { outcome } of rows) write(outcome, messageOf(error));
  }
}

/** @param {Outcome} told @param {string} stream */
function describeOutcome({ outcome, streamSequence, error }, stream) {
  if (outcome === "redriven") return `Sent again: now ${streamSequence} in ${stream}.`;
  return `${outcome === "duplicate" ? "Not stored again" : "Not sent"}: ${error}`;
}

/**
 * @param {Stats} stats
 * @param {readonly string[]} names
 * @param {string} chosen
 * @param {() => void} onChange
 */
function createReasons({ deadLetters: { byReason } }, names, chosen, onChange) {
  const options = names.map((name) => /** @type {const} */ ([name, `${name} (${count(byReason[name] ?? 0)})`]));
  return choice(
    { "aria-label": "Reason", change: onChange },
    [["", `every reason (${count(sum(byReason))})`], ...options],
    chosen,
  );
}
