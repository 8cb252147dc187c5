/** @import { MachineLayout, PlacedEdge } from "../../charts/layout.ts" */
import { h, s } from "./dom.js";
import { drawEdge, drawEntry, drawNode, drawTip, ENTRY } from "./statechart-parts.js";

/** @typedef {{ from: string | null, to: string, count: number }} Flow */

/**
 * The paths of the states an actor is in, all levels: `{"payment":"open"}` is in `payment` and in `payment.open`.
 *
 * @param {string} state a name, or a nested value as JSON
 * @returns {string[]}
 */
export function activeIds(state) {
  if (!/^["{]/.test(state)) return [state];
  /** @type {string[]} */
  const ids = [];
  /** @param {unknown} value @param {string} prefix */
  const walk = (value, prefix) => {
    const inner = typeof value === "string" ? { [value]: {} } : /** @type {Record<string, unknown>} */ (value);
    for (const [name, below] of Object.entries(inner)) {
      ids.push(prefix + name);
      walk(below, `${prefix}${name}.`);
    }
  };
  walk(JSON.parse(state), "");
  return ids;
}

/**
 * Draws a machine.
 *
 * @param {MachineLayout} layout
 * @param {{ hrefOf?: (id: string) => string, label: string }} options
 */
export function createStatechart(layout, { hrefOf, label }) {
  const nodes = new Map(layout.nodes.map((node) => [node.id, drawNode(node, hrefOf?.(node.id))]));
  const edges = layout.edges.map((edge) => ({ edge, ...drawEdge(edge) }));
  const entry = drawEntry(layout);
  const width = layout.width + ENTRY;
  const element = s(
    "svg",
    { class: "chart", viewBox: `${-ENTRY} 0 ${width} ${layout.height}`, role: "group", "aria-label": label },
    s("defs", {}, drawTip("tip", "tip-head"), drawTip("tip-strong", "tip-head strong")),
    edges.map((drawn) => drawn.element),
    entry.element,
    [...nodes.values()].map((drawn) => drawn.element),
  );
  element.style.maxWidth = `${width}px`;
  return {
    element,
    /**
     * Shows how many are where.
     *
     * @param {Readonly<Record<string, number>>} byState
     */
    showCounts(byState) {
      const total = Object.values(byState).reduce((sum, value) => sum + value, 0);
      /** @type {Map<string, number>} */
      const sums = new Map();
      for (const [state, value] of Object.entries(byState)) {
        for (const id of activeIds(state)) sums.set(id, (sums.get(id) ?? 0) + value);
      }
      for (const [id, node] of nodes) node.showCount(sums.get(id) ?? 0, total);
    },
    /**
     * Shows how many went where.
     *
     * @param {readonly Flow[]} flow
     */
    showFlow(flow) {
      const most = Math.max(1, ...flow.map((one) => one.count));
      entry.showFlow(sumOf(flow.filter(({ from }) => from === null)));
      for (const { edge, showFlow } of edges) showFlow(sumOf(flow.filter((one) => takes(edge, one))), most);
    },
    /**
     * Shows where one actor is and where it was.
     *
     * @param {string} state
     * @param {string} before
     */
    light(state, before) {
      const now = activeIds(state);
      const was = activeIds(before);
      for (const [id, node] of nodes) {
        node.element.classList.toggle("lit", now.includes(id));
        node.element.classList.toggle("was", was.includes(id) && !now.includes(id));
        if (now.includes(id)) node.element.setAttribute("aria-current", "true");
        else node.element.removeAttribute("aria-current");
      }
      const lit = layout.nodes.find(({ id, kind }) => now.includes(id) && kind !== "compound" && kind !== "parallel");
      if (lit !== undefined) reveal(element, (lit.x + lit.width / 2 + ENTRY) / width);
      for (const { edge, light } of edges)
        light(state !== before && takes(edge, { from: before, to: state, count: 1 }));
    },
  };
}

/**
 * What a drawing leaves out: the events that are taken alike in every state.
 *
 * @param {MachineLayout} layout
 */
export function renderEverywhere({ everywhere }) {
  if (everywhere.length === 0) return null;
  const pills = everywhere.map(({ event, guard, description }) =>
    h("span", { class: "pill", title: description ?? "" }, guard === null ? event : `${event} [${guard}]`),
  );
  return h("p", { class: "everywhere" }, h("span", { class: "note" }, "heard in every state:"), pills);
}

/**
 * On a narrow screen the drawing is wider than its frame: brings a place of it into the middle.
 *
 * @param {SVGElement} element
 * @param {number} place share of the width
 */
function reveal(element, place) {
  // Only once it is in the page does it have a size.
  requestAnimationFrame(() => {
    const frame = element.parentElement;
    if (frame !== null) frame.scrollLeft = place * frame.scrollWidth - frame.clientWidth / 2;
  });
}

/** @param {PlacedEdge} edge @param {Flow} flow */
function takes({ source, target }, { from, to }) {
  return from !== null && activeIds(from).includes(source) && activeIds(to).includes(target);
}

/** @param {readonly Flow[]} flow */
function sumOf(flow) {
  return flow.reduce((sum, one) => sum + one.count, 0);
}
