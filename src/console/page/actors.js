/** @import { ActorPage, ActorSummary, Stats } from "../../answers/queries.ts" */
/** @import { Machine, Place, View } from "./types.d.ts" */
import { createFilters } from "./actor-filters.js";
import { addressOfActor } from "./addresses.js";
import { ask } from "./api.js";
import { copyable } from "./copy.js";
import { card, fill, h, table } from "./dom.js";
import { ago, clock, count, words } from "./format.js";
import { createPager } from "./pager.js";

const PAGE = 50;
/** One page of the API looks at a bounded number of rows; to fill ours it is asked so often at most. */
const MAX_ASKS = 20;
const HEAD = ["id", "state", "known", "decision", "revision", "events", "first heard of", "last heard of"];

/** @typedef {{ rows: readonly ActorSummary[], next: string | null, isPast: boolean }} Page */

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
  const list = h("section.card.list", { "aria-label": words(collection) });
  list.append(table("cards", HEAD, body), pager.element);
  const onKey = focusOnSlash(filters.search);
  return {
    element: h(
      "div.stack",
      h("h1", { tabindex: -1 }, words(collection)),
      h("section.card", { "aria-label": "Filters" }, filters.element),
      list,
      card("The same in a terminal", "", command),
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
  for (let asked = 0; asked < MAX_ASKS && rows.length < PAGE; asked++) {
    const query = new URLSearchParams(parameters);
    query.set("limit", String(PAGE - rows.length));
    if (next !== null) query.set("cursor", next);
    const page = /** @type {ActorPage} */ (await ask(`/api/${type.collection}?${query}`, signal));
    rows.push(.../** @type {readonly ActorSummary[]} */ (page[type.collection]));
    next = page.nextCursor;
    isPast ||= "catchingUp" in page;
    if (next === null) break;
  }
  return { rows, next, isPast };
}

/**
 * @param {Page} page
 * @param {number} number
 * @param {string} collection
 * @param {string} order
 */
function describePage({ rows, next, isPast }, number, collection, order) {
  if (isPast) return `${count(rows.length)} ${collection}, ${order}, of the past: partitions are still being read`;
  if (rows.length === 0 && next !== null) return "None among those looked at so far; Next looks further.";
  if (rows.length === 0) return `No ${collection} here.`;
  const place = number === 1 && next === null ? "" : `, page ${number}`;
  return `${count(rows.length)} ${collection}${place}, ${order}, as of ${clock(new Date().toISOString())}`;
}

/** @param {Machine} machine @param {ActorSummary} row */
function renderRow({ type }, row) {
  const id = String(row[type.idField]);
  const meter = h("span.fill");
  meter.style.transform = `scaleX(${row.dataCompleteness / 100})`;
  const link = h("a", { href: addressOfActor(type, id) }, id);
  return h(
    "tr",
    h("th", { scope: "row", class: "wide any mono" }, link),
    h("td", h("span.pill", row.quarantine === undefined ? row.processingStatus : "quarantined")),
    h("td", h("span.meter", { "aria-hidden": "true" }, meter), ` ${Math.round(row.dataCompleteness)} %`),
    h("td.wide", { "data-label": "decision" }, row.decisionType ?? h("span.muted", "none stands")),
    h("td", { "data-label": "revision" }, row.revision === 0 ? "–" : row.revision),
    h("td", { "data-label": "events" }, count(row.version)),
    h("td", { "data-label": "first", title: row.firstSeen }, ago(row.firstSeen)),
    h("td", { "data-label": "last", title: row.lastUpdated }, ago(row.lastUpdated)),
  );
}
