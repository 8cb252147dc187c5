/** @import { LatenessReading } from "../../answers/activity.ts" */
import { h, s, write } from "./dom.js";
import { count, duration, words } from "./format.js";

/** The scale goes from 10 ms to 30 days, so that it stays what it is whatever arrives. */
const LEAST_MS = 10;
const MOST_MS = 2_592_000_000;
const WIDTH = 100;

/**
 * How late each event type arrives: half of them within p50, all but one in a hundred within p99.
 *
 * @param {readonly string[]} eventTypes
 */
export function createLateness(eventTypes) {
  const rows = new Map(eventTypes.map((eventType) => [eventType, createRow(eventType)]));
  const head = h(
    "thead",
    h(
      "tr",
      h("th", "event"),
      ["seen", "p50", "p99"].map((name) => h("th.number", name)),
      h("th.scale", { "aria-hidden": "true" }, h("span", "10 ms"), h("span", "30 d")),
    ),
  );
  const body = h(
    "tbody",
    [...rows.values()].map(({ element }) => element),
  );
  return {
    element: h("table.lateness", head, body),
    /** @param {readonly LatenessReading[]} readings */
    update(readings) {
      for (const reading of readings) rows.get(reading.eventType)?.update(reading);
    },
  };
}

/** @param {string} eventType */
function createRow(eventType) {
  const cells = [h("td.number"), h("td.number"), h("td.number")];
  const range = s("line.range", { y1: 7, y2: 7 });
  const p50 = s("circle.p50", { cy: 7, r: 4 });
  const p99 = s("circle.p99", { cy: 7, r: 3.5 });
  const marks = s("g", { visibility: "hidden" }, range, p50, p99);
  const scale = s("line.scale", { x1: "0%", x2: "100%", y1: 7, y2: 7 });
  const drawing = s("svg", { "aria-hidden": "true" }, scale, marks);
  const element = h("tr", h("th", { scope: "row" }, words(eventType)), cells, h("td", drawing));
  return {
    element,
    /** @param {LatenessReading} reading */
    update({ count: seen, p50Ms, p99Ms }) {
      const texts = [count(seen), p50Ms === null ? "–" : duration(p50Ms), p99Ms === null ? "–" : duration(p99Ms)];
      for (const [index, cell] of cells.entries()) write(cell, texts[index] ?? "");
      marks.setAttribute("visibility", p50Ms === null ? "hidden" : "visible");
      const [from, to] = [placeOf(p50Ms ?? 0), placeOf(p99Ms ?? 0)];
      range.setAttribute("x1", from);
      range.setAttribute("x2", to);
      p50.setAttribute("cx", from);
      p99.setAttribute("cx", to);
    },
  };
}

/** @param {number} ms @returns {string} its place on a logarithmic scale */
function placeOf(ms) {
  const within = Math.min(MOST_MS, Math.max(LEAST_MS, ms));
  return `${4 + ((WIDTH - 8) * Math.log(within / LEAST_MS)) / Math.log(MOST_MS / LEAST_MS)}%`;
}
