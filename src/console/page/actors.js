/** @import { ActorPage, ActorSummary, Stats } from "../../flow/queries.ts" */
/** @import { Machine, Place, View } from "./types.d.ts" */
import { ask } from "./api.js";
import { copyable, shellWord } from "./copy.js";
import { fill, h, write } from "./dom.js";
import { ago, count, words } from "./format.js";

const PAGE = 50;
/** One page of the API looks at a bounded number of rows; to fill ours it is asked so often at most. */
const MAX_ASKS = 5;

/** @type {Readonly<Record<string, number>>} */
const SILENCES_MS = {
  "1 min": 60_000,
  "10 min": 600_000,
  "1 h": 3_600_000,
  "1 day": 86_400_000,
  "7 days": 604_800_000,
};

/** @typedef {{ rows: readonly ActorSummary[], next: string | null }} Page */

/**
 * The list: found by the beginning of the id or by filters, a page at a time, never all.
 *
 * @param {Place} place
 * @returns {Promise<View>}
 */
export async function showActors({ machine, query, latest }) {
  const { type } = machine;
  const stats = latest?.stats ?? /** @type {Stats} */ (await ask(`/api/stats?type=${type.name}`));
  const filters = createFilters(machine, stats, query, () => void load([null]));
  const body = h("tbody");
  const note = h("p", { class: "note", role: "status" });
  const command = h("div");
  const previous = h("button", { type: "button", click: () => void load(cursors.slice(0, -1)) }, "Previous");
  const next = h(
    "button",
    { type: "button", click: () => following !== null && void load([...cursors, following]) },
    "Next",
  );
  const refresh = h("button", { type: "button", click: () => void load(cursors) }, "Refresh");
  /** @type {(string | null)[]} where each page up to this one began */
  let cursors = [null];
  /** @type {string | null} */
  let following = null;
  let asking = new AbortController();

  /** @param {(string | null)[]} wanted */
  async function load(wanted) {
    asking.abort();
    asking = new AbortController();
    const { signal } = asking;
    history.replaceState(null, "", filters.address());
    try {
      const page = await readPage(machine, filters.parameters(), wanted.at(-1) ?? null, signal);
      cursors = wanted;
      following = page.next;
      fill(
        body,
        page.rows.map((row) => renderRow(machine, row)),
      );
      write(note, describePage(page, cursors.length, type.collection));
      fill(command, copyable(filters.command()));
    } catch (error) {
      if (signal.aborted) return;
      fill(body);
      write(note, error instanceof Error ? error.message : String(error));
    }
    previous.disabled = cursors.length < 2;
    next.disabled = following === null;
  }

  /** @param {KeyboardEvent} event */
  function onKey(event) {
    if (event.key !== "/" || event.target instanceof HTMLInputElement) return;
    event.preventDefault();
    filters.search.focus();
  }

  document.addEventListener("keydown", onKey);
  await load([null]);
  const head = ["id", "state", "known", "decision", "revision", "events", "first heard of", "last heard of"];
  const element = h(
    "div",
    { class: "stack" },
    h("div", { class: "title" }, h("h1", { tabindex: -1 }, words(type.collection))),
    h("section", { class: "card", "aria-label": "Filters" }, filters.element),
    h(
      "section",
      { class: "card list", "aria-label": words(type.collection) },
      h(
        "table",
        { class: "cards" },
        h(
          "thead",
          {},
          h(
            "tr",
            {},
            head.map((name) => h("th", { scope: "col" }, name)),
          ),
        ),
        body,
      ),
      h("div", { class: "pager" }, note, previous, next, refresh),
    ),
    h("section", { class: "card stack" }, h("h2", {}, "The same in a terminal"), command),
  );
  return { element, title: words(type.collection), close: () => document.removeEventListener("keydown", onKey) };
}

/**
 * @param {Machine} machine
 * @param {URLSearchParams} parameters
 * @param {string | null} cursor
 * @param {AbortSignal} signal
 * @returns {Promise<Page>}
 */
async function readPage({ type }, parameters, cursor, signal) {
  /** @type {ActorSummary[]} */
  const rows = [];
  let next = cursor;
  for (let asked = 0; asked < MAX_ASKS && rows.length < PAGE; asked++) {
    const query = new URLSearchParams(parameters);
    query.set("limit", String(PAGE - rows.length));
    if (next !== null) query.set("cursor", next);
    const page = /** @type {ActorPage} */ (await ask(`/api/${type.collection}?${query}`, signal));
    rows.push(.../** @type {readonly ActorSummary[]} */ (page[type.collection]));
    next = page.nextCursor;
    if (next === null) break;
  }
  return { rows, next };
}

/** @param {Page} page @param {number} number @param {string} collection */
function describePage({ rows, next }, number, collection) {
  if (rows.length === 0 && next !== null) return "None among those looked at so far; Next looks further.";
  if (rows.length === 0) return `No ${collection} here.`;
  const place = number === 1 && next === null ? "" : `, page ${number}`;
  return `${count(rows.length)} ${collection}${place}, as of ${new Date().toISOString().slice(11, 19)} UTC`;
}

/** @param {Machine} machine @param {ActorSummary} row */
function renderRow({ type }, row) {
  const id = String(row[type.idField]);
  const meter = h("span", { class: "fill" });
  meter.style.transform = `scaleX(${row.dataCompleteness / 100})`;
  return h(
    "tr",
    {},
    h(
      "th",
      { scope: "row", class: "wide any mono" },
      h("a", { href: `#/${type.collection}/${encodeURIComponent(id)}` }, id),
    ),
    h("td", {}, h("span", { class: "pill" }, row.processingStatus)),
    h("td", {}, h("span", { class: "meter", "aria-hidden": "true" }, meter), ` ${Math.round(row.dataCompleteness)} %`),
    h("td", { class: "wide" }, row.decisionType ?? h("span", { class: "muted" }, "none stands")),
    h("td", { "data-label": "revision" }, row.revision === 0 ? "–" : row.revision),
    h("td", { "data-label": "events" }, count(row.version)),
    h("td", { "data-label": "first", title: row.firstSeen }, ago(row.firstSeen)),
    h("td", { "data-label": "last", title: row.lastUpdated }, ago(row.lastUpdated)),
  );
}

/**
 * @param {Machine} machine
 * @param {Stats} stats
 * @param {URLSearchParams} query
 * @param {() => void} onChange
 */
function createFilters({ type }, stats, query, onChange) {
  const search = h("input", {
    type: "search",
    value: query.get("idPrefix") ?? "",
    maxlength: 128,
    autocomplete: "off",
    spellcheck: "false",
    placeholder: "begins with … ( / )",
    // Each letter asks at once; what was asked before it is given up.
    input: onChange,
  });
  /** @param {string} name @param {readonly string[]} values @param {string} any @param {(value: string) => string} [text] */
  const choice = (name, values, any, text = (value) => value) => {
    const chosen = query.get(name) ?? "";
    const all = values.includes(chosen) || chosen === "" ? values : [...values, chosen];
    const options = [["", any], ...all.map((value) => [value, text(value)])];
    return h(
      "select",
      { change: onChange, name },
      options.map(([value = "", label]) => h("option", { value, selected: value === chosen }, label)),
    );
  };
  const standing = type.decisionTypes.filter((decision) => decision !== type.withdrawn);
  const selects = {
    state: choice("state", type.states, "any state"),
    decision: choice("decision", [...standing, "none"], "any decision", (value) =>
      value === "none" ? "none stands" : value,
    ),
    completeness: choice(
      "completeness",
      Object.keys(stats.completeness.byPercent),
      "any share",
      (value) => `${value} %`,
    ),
    waitingFor: choice("waitingFor", type.eventTypes, "anything"),
    silent: choice("silent", Object.keys(SILENCES_MS), "any time", (value) => `over ${value}`),
  };
  const chosen = () =>
    [["idPrefix", search.value.trim()], ...Object.entries(selects).map(([name, { value }]) => [name, value])].filter(
      ([, value]) => value !== "",
    );

  function clear() {
    search.value = "";
    for (const select of Object.values(selects)) select.value = "";
    onChange();
  }

  /** @param {string} text @param {HTMLElement} control @param {string} [className] */
  const labelled = (text, control, className = "") => h("label", { class: className }, text, control);
  return {
    search,
    element: h(
      "form",
      {
        class: "filters",
        role: "search",
        submit(/** @type {Event} */ event) {
          event.preventDefault();
          onChange();
        },
      },
      labelled(`${words(type.name)} id`, search, "find"),
      labelled("State", selects.state),
      labelled("Decision", selects.decision),
      labelled("Known", selects.completeness),
      labelled("Waiting for", selects.waitingFor),
      labelled("Silent for", selects.silent),
      h("button", { type: "button", click: clear }, "Clear"),
    ),
    /** The API's parameters. */
    parameters() {
      const parameters = new URLSearchParams(/** @type {string[][]} */ (chosen()));
      const silentMs = SILENCES_MS[parameters.get("silent") ?? ""];
      parameters.delete("silent");
      if (silentMs !== undefined) parameters.set("updatedBefore", new Date(Date.now() - silentMs).toISOString());
      return parameters;
    },
    /** The page's own address, to come back to or to hand on. */
    address() {
      const text = new URLSearchParams(/** @type {string[][]} */ (chosen())).toString();
      return `#/${type.collection}${text === "" ? "" : `?${text}`}`;
    },
    /** The command line knows some of the filters; the others are asked of the API. */
    command() {
      const parameters = this.parameters();
      const known = new Map([
        ["state", "--state"],
        ["decision", "--decision"],
        ["updatedBefore", "--updated-before"],
      ]);
      if ([...parameters.keys()].every((name) => known.has(name))) {
        return [
          "npx natstate list",
          ...[...parameters].map(([name, value]) => `${known.get(name)} ${shellWord(value)}`),
        ].join(" ");
      }
      return `curl ${shellWord(`${location.origin}/api/${type.collection}?${parameters}`)}`;
    },
  };
}
