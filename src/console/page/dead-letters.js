/** @import { DeadLetterPage, DeadLetterSummary, Stats } from "../../flow/queries.ts" */
/** @import { Machine, Place, View } from "./types.d.ts" */
import { ask, change } from "./api.js";
import { copyable } from "./copy.js";
import { renderLetter } from "./dead-letter.js";
import { fill, h, write } from "./dom.js";
import { ago, count } from "./format.js";

const PAGE = 50;

/** @typedef {{ sequence: number, outcome: "redriven" | "duplicate" | "failed", streamSequence?: number, error?: string }} Outcome */
/** @typedef {{ letter: DeadLetterSummary, box: HTMLInputElement, outcome: HTMLElement, rows: HTMLElement[] }} Row */

/**
 * What could not be applied: why, what exactly, and sending it again.
 *
 * @param {Place} place
 * @returns {Promise<View>}
 */
export async function showDeadLetters({ machine, query, latest }) {
  const stats = latest?.stats ?? /** @type {Stats} */ (await ask(`/api/stats?type=${machine.type.name}`));
  /** @type {Row[]} */
  let rows = [];
  /** @type {(string | null)[]} */
  let cursors = [null];
  /** @type {string | null} */
  let following = null;
  const reasons = createReasons(stats, machine.reasons, query.get("reason") ?? "", () => void load([null]));
  const body = h("tbody");
  const note = h("p", { class: "note", role: "status" });
  const command = h("div");
  const all = h("input", {
    type: "checkbox",
    "aria-label": "Select all on this page",
    change: () => mark(all.checked),
  });
  const redrive = h("button", { type: "button", class: "primary", click: () => void redriveSelected() }, "Redrive");
  const previous = h("button", { type: "button", click: () => void load(cursors.slice(0, -1)) }, "Previous");
  const next = h(
    "button",
    { type: "button", click: () => following !== null && void load([...cursors, following]) },
    "Next",
  );
  const refresh = h("button", { type: "button", click: () => void load(cursors) }, "Refresh");

  /** @param {(string | null)[]} wanted */
  async function load(wanted) {
    const parameters = new URLSearchParams({ type: machine.type.name, limit: String(PAGE) });
    const reason = reasons.chosen();
    if (reason !== "") parameters.set("reason", reason);
    const cursor = wanted.at(-1) ?? null;
    if (cursor !== null) parameters.set("cursor", cursor);
    history.replaceState(null, "", `#/dead-letters${reason === "" ? "" : `?reason=${reason}`}`);
    const page = /** @type {DeadLetterPage} */ (await ask(`/api/dead-letters?${parameters}`));
    cursors = wanted;
    following = page.nextCursor;
    rows = page.deadLetters.map((letter) => createRow(machine, letter, sync));
    fill(
      body,
      rows.map((row) => row.rows),
    );
    write(note, rows.length === 0 ? "No dead letters here." : `${count(rows.length)} dead letters, newest first`);
    all.checked = false;
    previous.disabled = cursors.length < 2;
    next.disabled = following === null;
    sync();
  }

  /** @param {boolean} isChecked */
  function mark(isChecked) {
    for (const { box } of rows) box.checked = isChecked && !box.disabled;
    sync();
  }

  function sync() {
    const selected = rows.filter(({ box }) => box.checked);
    redrive.disabled = selected.length === 0;
    write(redrive, selected.length === 0 ? "Redrive" : `Redrive ${count(selected.length)}`);
    const numbers = selected.map(({ letter }) => letter.publishedSequence).join(" ");
    fill(command, copyable(`npx natstate dead-letters ${numbers === "" ? "list" : `redrive ${numbers}`}`));
  }

  async function redriveSelected() {
    const selected = rows.filter(({ box }) => box.checked);
    redrive.disabled = true;
    for (const { outcome } of selected) write(outcome, "sending …");
    try {
      const sequences = selected.map(({ letter }) => letter.sequence);
      const path = `/api/dead-letters/redrive?type=${machine.type.name}`;
      const answer = /** @type {{ deadLetters: Outcome[] }} */ (await change(path, { sequences }));
      for (const told of answer.deadLetters) {
        const row = selected.find(({ letter }) => letter.sequence === told.sequence);
        if (row === undefined) continue;
        write(row.outcome, describeOutcome(told, row.letter.stream));
        row.box.checked = told.outcome !== "redriven";
      }
    } catch (error) {
      for (const { outcome } of selected) write(outcome, error instanceof Error ? error.message : String(error));
    }
    all.checked = false;
    sync();
  }

  await load([null]);
  const head = [
    h("th", { class: "check" }, all),
    h("th", { scope: "col" }, "what is wrong"),
    h("th", { scope: "col", class: "reason" }, "reason"),
    h("th", { scope: "col", class: "when" }, "stored"),
  ];
  const element = h(
    "div",
    { class: "stack" },
    h("div", { class: "title" }, h("h1", { tabindex: -1 }, "Dead letters")),
    h(
      "section",
      { class: "card stack" },
      h("div", { class: "pager" }, reasons.element, redrive),
      h(
        "p",
        { class: "note" },
        "Messages that could not be read as events. Redriving sends the original bytes and headers again, to where they had been sent; a message that still cannot be read becomes a new dead letter, and this one stays.",
      ),
    ),
    h(
      "section",
      { class: "card list", "aria-label": "Dead letters" },
      h("table", { class: "letters cards" }, h("thead", {}, h("tr", {}, head)), body),
      h("div", { class: "pager" }, note, previous, next, refresh),
    ),
    h("section", { class: "card stack" }, h("h2", {}, "The same in a terminal"), command),
  );
  return { element, title: "Dead letters" };
}

/** @param {Outcome} told @param {string} stream */
function describeOutcome({ outcome, streamSequence, error }, stream) {
  if (outcome === "redriven") return `Sent again: now ${streamSequence} in ${stream}.`;
  return `${outcome === "duplicate" ? "Not stored again" : "Not sent"}: ${error}`;
}

/**
 * @param {Machine} machine
 * @param {DeadLetterSummary} letter
 * @param {() => void} onChange
 * @returns {Row}
 */
function createRow({ type }, letter, onChange) {
  const { sequence, reason, error, subject, receivedAt, bytes, publishedSequence } = letter;
  const box = h("input", {
    type: "checkbox",
    "aria-label": `Select ${sequence}`,
    disabled: publishedSequence === null,
    change: onChange,
  });
  const outcome = h("p", { class: "outcome", role: "status" });
  const detail = h("td", { colspan: 4, class: "wide" });
  const detailRow = h("tr", { hidden: true }, detail);
  const toggle = h(
    "button",
    { type: "button", class: "link", "aria-expanded": "false", click: () => void open() },
    error,
  );
  const row = h(
    "tr",
    {},
    h("td", { class: "check" }, box),
    h("td", { class: "wide any" }, toggle, h("p", { class: "note" }, `${subject}, ${count(bytes)} bytes`), outcome),
    h("td", {}, h("span", { class: "pill" }, reason)),
    h("td", { class: "muted", title: receivedAt }, ago(receivedAt)),
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
      write(detail, problem instanceof Error ? problem.message : String(problem));
    }
  }

  return { letter, box, outcome, rows: [row, detailRow] };
}

/**
 * @param {Stats} stats
 * @param {readonly string[]} names
 * @param {string} chosen
 * @param {() => void} onChange
 */
function createReasons({ deadLetters: { byReason } }, names, chosen, onChange) {
  const total = Object.values(byReason).reduce((sum, value) => sum + value, 0);
  const options = [
    ["", `every reason (${count(total)})`],
    ...names.map((name) => [name, `${name} (${count(byReason[name] ?? 0)})`]),
  ];
  const select = h(
    "select",
    { change: onChange, "aria-label": "Reason" },
    options.map(([value = "", text]) => h("option", { value, selected: value === chosen }, text)),
  );
  return { element: h("div", {}, select), chosen: () => select.value };
}
