/** @import { ActorCounts } from "../../answers/queries.ts" */
/** @import { MachineLayout, PlacedEdge } from "../../charts/layout.ts" */
import { h, s } from "./dom.js";
import { sum } from "./format.js";
import { drawEdge, drawEntry, drawNode, drawTip, ENTRY } from "./statechart-parts.js";

const LEAST_SCALE = 0.7;

/** @typedef {{ from: string | null, to: string, count: number }} Flow */

/**
 * The paths of the states an actor is in, outer before inner: `money.open · seen` is in `money`, `money.open` and `seen`.
 *
 * @param {string} state as it is told everywhere, see `src/actor/state-text.ts`
 * @returns {string[]}
 */
export function activeIds(state) {
  const ids = state.split(" · ").flatMap((leaf) => {
    const keys = leaf.match(/(?:\\.|[^.\\])+/g) ?? [];
    return keys.map((_, index) => keys.slice(0, index + 1).join("."));
  });
  return [...new Set(ids)];
}

/**
 * Draws a machine.
 *
 * @param {MachineLayout} layout
 * @param {{ hrefOf?: (id: string) => string, label: string }} options
 */
export function createStatechart(layout, { hrefOf, label }) {
  const nodes = new Map(layout.nodes.map((node) => [node.id, drawNode(node, layout, hrefOf?.(node.id))]));
  const edges = layout.edges.map((edge) => ({ edge: withParents(edge, layout), ...drawEdge(edge) }));
  const drawn = [...nodes.values()];
  const entry = drawEntry(layout);
  const width = layout.width + ENTRY;
  const element = s(
    "svg.chart",
    { viewBox: `${-ENTRY} 0 ${width} ${layout.height}`, role: "group", "aria-label": label },
    s("defs", drawTip("tip", "tip-head"), drawTip("tip-strong", "tip-head strong")),
    // An edge lies on the states it is in, and under those it leads to.
    drawn.map(({ isGroup, element }) => isGroup && element),
    edges.map(({ element }) => element),
    entry.element,
    drawn.map(({ isGroup, element }) => !isGroup && element),
  );
  element.style.maxWidth = `${width}px`;
  // A large one is scrolled rather than made too small to read.
  element.style.minWidth = `${Math.round(width * LEAST_SCALE)}px`;
  return {
    element,
    /**
     * Shows how many are where, and so how many wait for a delay that begins there.
     *
     * @param {ActorCounts} counts
     * @param {Readonly<Record<string, string>>} next when the next of them is due, by state, as far as it is known
     */
    showCounts({ total, byState, byPath = byState }, next) {
      // A state may be called as what every object has.
      const counts = new Map(Object.entries(byPath));
      const dues = new Map(Object.entries(next));
      for (const [id, node] of nodes) node.showCount(counts.get(id) ?? 0, total);
      for (const { edge, showWaiting } of edges) showWaiting(counts.get(edge.source) ?? 0, dues.get(edge.source));
    },
    /**
     * Shows how many went where.
     *
     * @param {readonly Flow[]} flow
     */
    showFlow(flow) {
      const most = Math.max(1, ...flow.map((one) => one.count));
      const countOf = (/** @type {(one: Flow) => boolean} */ isOne) => sum(flow.filter(isOne).map((one) => one.count));
      entry.showFlow(countOf(({ from }) => from === null));
      for (const { edge, showFlow } of edges)
        showFlow(
          countOf((one) => takes(edge, one)),
          most,
        );
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
  const pills = everywhere.map(({ event, guard, description, targets }) => {
    const cause = guard === null ? event : `${event} [${guard}]`;
    return h("span.pill", { title: description ?? "" }, [cause, ...targets].join(" → "));
  });
  return h("p.everywhere", h("span.note", "heard in every state:"), pills);
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

/**
 * Of an edge to a history state, the target is what that comes back to.
 *
 * @param {PlacedEdge} edge
 * @param {MachineLayout} layout
 */
function withParents({ source, target }, { nodes }) {
  const node = nodes.find(({ id }) => id === target);
  return { source, target: node?.kind === "history" ? (node.parent ?? target) : target };
}

/** @param {{ source: string, target: string }} edge @param {Flow} flow */
function takes({ source, target }, { from, to }) {
  return from !== null && activeIds(from).includes(source) && activeIds(to).includes(target);
}
