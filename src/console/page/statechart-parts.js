/** @import { Child } from "./dom.js" */
/** @import { MachineLayout, PlacedEdge, PlacedNode } from "../../charts/layout.ts" */
import { s, write } from "./dom.js";
import { count, duration } from "./format.js";

/*
 * The pieces of a statechart, each with what can be shown on it.
 */

/** Room left of the first state for the arrow of what is new. */
export const ENTRY = 62;
/** Length of the arrow before the state in which another one begins. */
const START = 14;
const LINE = 15;
/** Letters that a state has room for. */
const MAX_NAME = 28;

/**
 * The head of an arrow.
 *
 * @param {string} id
 * @param {string} className
 */
export function drawTip(id, className) {
  const shape = s("path", { class: className, d: "M0 0.5 9 4.5 0 8.5z" });
  const place = { viewBox: "0 0 9 9", refX: 8.5, refY: 4.5, markerWidth: 9, markerHeight: 9 };
  return s("marker", { id, ...place, orient: "auto", markerUnits: "userSpaceOnUse" }, shape);
}

/**
 * A state: a link when it leads somewhere.
 *
 * @param {PlacedNode} node
 * @param {MachineLayout} layout
 * @param {string | undefined} href
 */
export function drawNode(node, layout, href) {
  if (node.kind === "history") return drawHistory(node);
  const isGroup = layout.nodes.some(({ parent }) => parent === node.id);
  return isGroup ? drawGroup(node, href) : drawLeaf(node, href);
}

/** One that leads somewhere leads to those that are in it, and shows how many. @param {PlacedNode} node @param {string | undefined} href */
function drawLeaf(node, href) {
  const { name, x, y, width, height, kind } = node;
  const [middle, centre] = [x + width / 2, y + height / 2];
  const number = s("text.count", { x: middle, y: centre + 15 });
  const track = { x: x + 14, y: y + height - 10, height: 4, rx: 2 };
  const share = s("rect.share", { ...track, width: 0 });
  const element = drawState(node, "node", href, [
    s("rect.body", { x, y, width, height, rx: 10 }),
    kind === "final" && s("rect.inner", { x: x + 4, y: y + 4, width: width - 8, height: height - 8, rx: 7 }),
    s("text", { x: middle, y: href === undefined ? centre + 5 : centre - 11 }, shorten(name)),
    href !== undefined && [s("rect.track", { ...track, width: width - 28 }), share, number],
  ]);
  return {
    element,
    isGroup: false,
    /** @param {number} value @param {number} total */
    showCount(value, total) {
      write(number, count(value));
      share.setAttribute("width", String(total === 0 ? 0 : (value / total) * (width - 28)));
      element.setAttribute("aria-label", `${name}: ${count(value)}`);
    },
  };
}

/**
 * A state with states in it, its name below its upper border; of parallel ones each is dashed.
 *
 * @param {PlacedNode} node
 * @param {string | undefined} href
 */
function drawGroup(node, href) {
  const { id, name, isRegion, x, y, width, height } = node;
  const number = s("tspan.number", { dx: 8 });
  const heading = s("text.heading", { x: x + 14, y: y + 21 }, shorten(name), number);
  const element = drawState(node, isRegion ? "node group region" : "node group", href, [
    s("rect.body", { x, y, width, height, rx: 10 }),
    heading,
  ]);
  return {
    element,
    isGroup: true,
    /** @param {number} value */
    showCount(value) {
      write(number, count(value));
      element.setAttribute("aria-label", `${id}: ${count(value)}`);
    },
  };
}

/** @param {PlacedNode} node */
function drawHistory(node) {
  const { name, x, y, width, height } = node;
  const [middle, centre] = [x + width / 2, y + height / 2];
  const element = drawState(node, "node history", undefined, [
    s("circle.body", { cx: middle, cy: centre, r: width / 2 }),
    s("text", { x: middle, y: centre + 5 }, name),
  ]);
  return { element, isGroup: false, showCount() {} };
}

/**
 * @param {PlacedNode} node
 * @param {string} className
 * @param {string | undefined} href
 * @param {readonly Child[]} parts
 */
function drawState({ id, name, x, y, description, isInitial, parent, kind }, className, href, parts) {
  const properties = { class: className, "data-state": id };
  const about = kind === "history" ? "where it was left" : name;
  // Of the states at the top, `drawEntry` shows which is first.
  const start = isInitial && parent !== null && drawStart({ x: x + 16, y });
  const children = [s("title", description ?? about), start, parts];
  return href === undefined ? s("g", properties, children) : s("a", { ...properties, href }, children);
}

/**
 * The dot and arrow before the state in which another one begins.
 *
 * @param {{ x: number, y: number }} end
 */
function drawStart({ x, y }) {
  return s(
    "g.edge.start",
    s("circle.tip-head", { cx: x, cy: y - START, r: 3.5 }),
    s("path.line", { d: `M${x},${y - START} ${x},${y}`, "marker-end": "url(#tip)" }),
  );
}

/** @param {string} name */
function shorten(name) {
  return name.length > MAX_NAME ? `${name.slice(0, MAX_NAME - 1)}…` : name;
}

/**
 * A transition, with why it is taken.
 *
 * @param {PlacedEdge} edge
 */
export function drawEdge({ source, target, path, label, lines, labels }) {
  const middle = label.x + label.width / 2;
  const line = s("path.line", { d: path, "marker-end": "url(#tip)" });
  const isDelay = labels.some((one) => one.isDelay);
  // What it says stands on its line, the counts below it; below a loop there is only room for all of them.
  const centre = label.y + label.height / 2;
  const isLoop = source === target;
  const top = isLoop ? label.y + LINE - 3 : centre - 5 - (lines.length - 1) * LINE;
  const below = isLoop ? top + lines.length * LINE : centre + 13;
  const texts = lines.map((text, index) => s("text", { x: middle, y: top + index * LINE }, text));
  const flow = s("text.flow", { x: middle, y: below });
  const waiting = s("text.waiting", { x: middle, y: below + LINE });
  const about = labels
    .map(({ description }) => description)
    .filter(Boolean)
    .join(" ");
  const title = s("title", `${source} → ${target}${about === "" ? "" : `: ${about}`}`);
  const properties = { class: isDelay ? "edge delay" : "edge", "data-edge": `${source}>${target}` };
  const element = s("g", properties, title, line, texts, flow, isDelay && waiting);
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
    /** @param {number} value @param {string | undefined} next RFC 3339 */
    showWaiting(value, next) {
      if (isDelay) write(waiting, value === 0 ? "" : describeWaiting(value, next));
    },
    /** @param {boolean} isLit */
    light(isLit) {
      element.classList.toggle("lit", isLit);
      tip(isLit);
    },
  };
}

/** @param {number} value @param {string | undefined} next RFC 3339 */
function describeWaiting(value, next) {
  const inMs = next === undefined ? undefined : Date.parse(next) - Date.now();
  const due = inMs === undefined ? "" : inMs <= 0 ? ", next is due" : `, next in ${duration(inMs)}`;
  return `${count(value)} wait${value === 1 ? "s" : ""}${due}`;
}

/**
 * The arrow that leads to the state in which a new actor begins, or to each of those.
 *
 * @param {MachineLayout} layout
 */
export function drawEntry({ nodes }) {
  const starts = nodes.filter(({ parent, isInitial, isRegion }) => parent === null && (isInitial || isRegion));
  const first = starts[0] ?? nodes[0];
  if (first === undefined) return { element: s("g"), showFlow() {} };
  const middleOf = (/** @type {PlacedNode} */ { y, height }) => y + height / 2;
  const begin = { x: first.x - ENTRY + 10, y: middleOf(first) };
  const flow = s("text.flow", { x: begin.x - 6, y: begin.y + 20 });
  const lines = starts.map((start) => {
    const end = { x: start.x, y: middleOf(start) };
    const d = `M${begin.x},${begin.y}C${end.x - 20},${begin.y} ${begin.x + 10},${end.y} ${end.x},${end.y}`;
    return s("path.line", { d, "marker-end": "url(#tip)" });
  });
  const element = s(
    "g.edge.entry",
    { "data-edge": ">" },
    s("title", "new"),
    lines,
    s("circle.tip-head", { cx: begin.x, cy: begin.y, r: 5 }),
    s("text", { x: begin.x - 6, y: begin.y - 10 }, "new"),
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
