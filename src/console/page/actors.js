/** @import { ActorPage, ActorSummary, Stats } from "../../answers/queries.ts" */
/** @import { Machine, Place, View } from "./types.d.ts" */
import { createFilters } from "./actor-filters.js";
import { ask } from "./api.js";
import { copyable } from "./copy.js";
import { fill, h, table } from "./dom.js";
import { ago, clock, count, describeShare, words } from "./format.js";
import { createPager } from "./pager.js";

const PAGE = 50;
/** One page of the API looks at a bounded number of rows; to fill ours it is asked so often at most. */
const MAX_ASKS = 20;
const HEAD = ["id", "state", "known", "decision", "revision", "events", "first heard of", "last heard of"];

/** @typedef {{ rows: readonly ActorSummary[], next: string | null, isPast: boolean, share: string }} Page */

/**
 * The list: found by the beginning of the id or by filters, a page at a time, never all.
 *
 * @param {Place} place
 * @returns {Promise<View>}
 */
export async function showActors({ machine, query, latest }) {
  const { name, collection } = machine.type;
  const stats = latest?.stats ?? /** @type {Stats} */ (await ask(`/api/stats?type=${name}`));
  const filters = createFilters(machine, stats, query, () => void pager.restart());
  const body = h("tbody");
  const command = h("div");
  const pager = createPager({
    read(cursor, signal) {
      history.replaceState(null, "", filters.address());
      return readPage(machine, filters.parameters(), cursor, signal);
    },
    show(/** @type {Page} */ page, number) {
      const rows = page.rows.map((row) => renderRow(machine, row));
      fill(body, rows);
      fill(command, copyable(filters.command()));
      return describePage(page, number, collection, filters.order());
    },
  });
  await pager.restart();
  const list = h("section", { class: "card list", "aria-label": words(collection) });
  list.append(table("cards", HEAD, body), pager.element);
  const onKey = focusOnSlash(filters.search);
  return {
    element: h(
      "div",
      { class: "stack" },
      h("h1", { tabindex: -1 }, words(collection)),
      h("section", { class: "card", "aria-label": "Filters" }, filters.element),
      list,
      h("section", { class: "card stack" }, h("h2", {}, "The same in a terminal"), command),
    ),
    title: words(collection),
    onPulse: pager.again,
    close: () => document.removeEventListener("keydown", onKey),
  };
}

/**
 * Lets the / key go to the search, as it does elsewhere.
 *
 * @param {HTMLInputElement} search
 */
function focusOnSlash(search) {
  /** @param {KeyboardEvent} event */
  function onKey(event) {
    if (event.key !== "/" || event.target instanceof HTMLInputElement) return;
    event.preventDefault();
    search.focus();
  }
  document.addEventListener("keydown", onKey);
  return onKey;
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
  let isPast = false;
  let share = "";
  for (let asked = 0; asked < MAX_ASKS && rows.length < PAGE; asked++) {
    const query = new URLSearchParams(parameters);
    query.set("limit", String(PAGE - rows.length));
    if (next !== null) query.set("cursor", next);
    const page = /** @type {ActorPage} */ (await ask(`/api/${type.collection}?${query}`, signal));
    rows.push(.../** @type {readonly ActorSummary[]} */ (page[type.collection]));
    next = page.nextCursor;
    isPast ||= "catchingUp" in page;
    share = describeShare(page);
    if (next === null) break;
  }
  return { rows, next, isPast, share };
}

/**
 * @param {Page} page
 * @param {number} number
 * @param {string} collection
 * @param {string} order
 */
function describePage({ rows, next, isPast, share }, number, collection, order) {
  const own = share === "" ? "" : `, ${share}`;
  if (isPast) return `${count(rows.length)} ${collection}, ${order}, of the past: partitions are still being read`;
  if (rows.length === 0 && next !== null) return "None among those looked at so far; Next looks further.";
  if (rows.length === 0) return `No ${collection} here${own}.`;
  const place = number === 1 && next === null ? "" : `, page ${number}`;
  return `${count(rows.length)} ${collection}${place}, ${order}, as of ${clock(new Date().toISOString())}${own}`;
}

/** @param {Machine} machine @param {ActorSummary} row */
function renderRow({ type }, row) {
  const id = String(row[type.idField]);
  const meter = h("span", { class: "fill" });
  meter.style.transform = `scaleX(${row.dataCompleteness / 100})`;
  const link = h("a", { href: `#/${type.collection}/${encodeURIComponent(id)}` }, id);
  return h(
    "tr",
    {},
    h("th", { scope: "row", class: "wide any mono" }, link),
    h("td", {}, h("span", { class: "pill" }, row.quarantine === undefined ? row.processingStatus : "quarantined")),
    h("td", {}, h("span", { class: "meter", "aria-hidden": "true" }, meter), ` ${Math.round(row.dataCompleteness)} %`),
    h(
      "td",
      { class: "wide", "data-label": "decision" },
      row.decisionType ?? h("span", { class: "muted" }, "none stands"),
    ),
    h("td", { "data-label": "revision" }, row.revision === 0 ? "–" : row.revision),
    h("td", { "data-label": "events" }, count(row.version)),
    h("td", { "data-label": "first", title: row.firstSeen }, ago(row.firstSeen)),
    h("td", { "data-label": "last", title: row.lastUpdated }, ago(row.lastUpdated)),
  );
}
