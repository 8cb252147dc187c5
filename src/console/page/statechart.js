/** @import { MachineLayout, PlacedEdge, PlacedNode } from "../machine-layout.ts" */
import { s, write } from "./dom.js";
import { count } from "./format.js";

/** @typedef {{ from: string | null, to: string, count: number }} Flow */

/** Room left of the first state for the arrow of what is new. */
const ENTRY = 62;
const LINE = 15;

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

/** @param {string} id @param {string} className */
function drawTip(id, className) {
  const shape = s("path", { class: className, d: "M0 0.5 9 4.5 0 8.5z" });
  return s(
    "marker",
    {
      id,
      viewBox: "0 0 9 9",
      refX: 8.5,
      refY: 4.5,
      markerWidth: 9,
      markerHeight: 9,
      orient: "auto",
      markerUnits: "userSpaceOnUse",
    },
    shape,
  );
}

/**
 * @param {PlacedNode} node
 * @param {string | undefined} href
 */
function drawNode({ id, name, x, y, width, height, kind, description }, href) {
  const isGroup = kind === "compound" || kind === "parallel";
  const middle = x + width / 2;
  const number = s("text", { class: "count", x: middle, y: y + height / 2 + 15 });
  const name_ = s("text", { x: middle, y: isGroup ? y + 16 : y + height / 2 + 5 }, name);
  const track = { x: x + 14, y: y + height - 10, width: width - 28, height: 4, rx: 2, visibility: "hidden" };
  const share = s("rect", { ...track, class: "share", width: 0 });
  const trackRect = s("rect", { ...track, class: "track" });
  const title = s("title", {}, description ?? name);
  const body = s("rect", { class: "body", x, y, width, height, rx: kind === "final" ? height / 2 : 10 });
  const properties = { class: isGroup ? "node group" : "node", "data-state": id };
  const parts = [title, body, isGroup ? null : [trackRect, share], name_, number];
  const element = href === undefined ? s("g", properties, parts) : s("a", { ...properties, href }, parts);
  return {
    element,
    /** @param {number} value @param {number} total */
    showCount(value, total) {
      if (!isGroup) name_.setAttribute("y", String(y + height / 2 - 11));
      write(number, isGroup ? "" : count(value));
      trackRect.setAttribute("visibility", "visible");
      share.setAttribute("visibility", "visible");
      share.setAttribute("width", String(total === 0 ? 0 : (value / total) * (width - 28)));
      if (href !== undefined) element.setAttribute("aria-label", `${name}: ${count(value)}`);
    },
  };
}

/** @param {PlacedEdge} edge */
function drawEdge({ source, target, path, label, lines, labels }) {
  const middle = label.x + label.width / 2;
  const centre = label.y + label.height / 2;
  const line = s("path", { class: "line", d: path, "marker-end": "url(#tip)" });
  const backdrop = s("rect", {
    class: "backdrop",
    ...label,
    y: centre - 9,
    height: 17,
    visibility: lines.length === 0 ? "hidden" : "visible",
  });
  const top = centre + 4 - (lines.length - 1) * LINE;
  const texts = lines.map((text, index) => s("text", { x: middle, y: top + index * LINE }, text));
  const flow = s("text", { class: "flow", x: middle, y: centre + 4 + LINE });
  const about = labels
    .map(({ description }) => description)
    .filter(Boolean)
    .join(" ");
  const title = s("title", {}, `${source} → ${target}${about === "" ? "" : `: ${about}`}`);
  const element = s("g", { class: "edge", "data-edge": `${source}>${target}` }, title, line, backdrop, texts, flow);
  /** @param {boolean} isStrong */
  const tip = (isStrong) => line.setAttribute("marker-end", isStrong ? "url(#tip-strong)" : "url(#tip)");
  return {
    element,
    /** @param {number} value @param {number} most */
    showFlow(value, most) {
      element.classList.toggle("flows", value > 0);
      line.style.strokeWidth = value === 0 ? "" : `${1.2 + (2.6 * value) / most}px`;
      tip(value > 0);
      write(flow, value === 0 ? "" : count(value));
    },
    /** @param {boolean} isLit */
    light(isLit) {
      element.classList.toggle("lit", isLit);
      tip(isLit);
    },
  };
}

/** @param {MachineLayout} layout */
function drawEntry({ nodes }) {
  const first = nodes.find(({ isInitial, parent }) => isInitial && parent === null) ?? nodes[0];
  if (first === undefined) return { element: s("g"), showFlow() {} };
  const y = first.y + first.height / 2;
  const flow = s("text", { class: "flow", x: first.x - ENTRY + 4, y: y + 20 });
  const element = s(
    "g",
    { class: "edge entry", "data-edge": ">" },
    s("title", {}, "new"),
    s("path", { class: "line", d: `M${first.x - ENTRY + 12},${y} ${first.x},${y}`, "marker-end": "url(#tip)" }),
    s("circle", { class: "tip-head", cx: first.x - ENTRY + 10, cy: y, r: 5 }),
    s("text", { x: first.x - ENTRY + 4, y: y - 10 }, "new"),
    flow,
  );
  return {
    element,
    /** @param {number} value */
    showFlow(value) {
      write(flow, value === 0 ? "" : count(value));
    },
  };
}
