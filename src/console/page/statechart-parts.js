/** @import { MachineLayout, PlacedEdge, PlacedNode } from "../../charts/layout.ts" */
import { s, write } from "./dom.js";
import { count } from "./format.js";

/*
 * The pieces of a statechart, each with what can be shown on it.
 */

/** Room left of the first state for the arrow of what is new. */
export const ENTRY = 62;
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
 * A state: a link when it leads somewhere.
 *
 * @param {PlacedNode} node
 * @param {string | undefined} href
 */
export function drawNode({ id, name, x, y, width, height, kind, description }, href) {
  const isGroup = kind === "compound" || kind === "parallel";
  const middle = x + width / 2;
  const number = s("text", { class: "count", x: middle, y: y + height / 2 + 15 });
  const text = name.length > MAX_NAME ? `${name.slice(0, MAX_NAME - 1)}…` : name;
  const heading = isGroup
    ? drawHeading(id, text, { x, y, width })
    : s("text", { x: middle, y: y + height / 2 + 5 }, text);
  const track = { x: x + 14, y: y + height - 10, width: width - 28, height: 4, rx: 2, visibility: "hidden" };
  const share = s("rect", { ...track, class: "share", width: 0 });
  const trackRect = s("rect", { ...track, class: "track" });
  const title = s("title", {}, description ?? name);
  const body = s("rect", { class: "body", x, y, width, height, rx: kind === "final" ? height / 2 : 10 });
  const properties = { class: isGroup ? "node group" : "node", "data-state": id };
  const parts = [title, body, isGroup ? null : [trackRect, share], heading, number];
  const element = href === undefined ? s("g", properties, parts) : s("a", { ...properties, href }, parts);
  return {
    element,
    /** @param {number} value @param {number} total */
    showCount(value, total) {
      if (!isGroup) heading.setAttribute("y", String(y + height / 2 - 11));
      write(number, isGroup ? "" : count(value));
      trackRect.setAttribute("visibility", "visible");
      share.setAttribute("visibility", "visible");
      share.setAttribute("width", String(total === 0 ? 0 : (value / total) * (width - 28)));
      if (href !== undefined) element.setAttribute("aria-label", `${name}: ${count(value)}`);
    },
  };
}

/**
 * The name of a state with children, on its upper border. The borders of nested ones are close together, so that each
 * level has a side of its own.
 *
 * @param {string} id
 * @param {string} text
 * @param {{ x: number, y: number, width: number }} box
 */
function drawHeading(id, text, { x, y, width }) {
  const side = (id.split(".").length - 1) % 3;
  const anchor = ["start", "middle", "end"][side] ?? "start";
  return s("text", { class: "heading", "text-anchor": anchor, x: x + 12 + ((width - 24) * side) / 2, y: y + 5 }, text);
}

/**
 * A transition, with why it is taken.
 *
 * @param {PlacedEdge} edge
 */
export function drawEdge({ source, target, path, label, lines, labels }) {
  const middle = label.x + label.width / 2;
  const centre = label.y + label.height / 2;
  const line = s("path", { class: "line", d: path, "marker-end": "url(#tip)" });
  const top = centre + 4 - (lines.length - 1) * LINE;
  const texts = lines.map((text, index) => s("text", { x: middle, y: top + index * LINE }, text));
  const flow = s("text", { class: "flow", x: middle, y: centre + 4 + LINE });
  const about = labels
    .map(({ description }) => description)
    .filter(Boolean)
    .join(" ");
  const title = s("title", {}, `${source} → ${target}${about === "" ? "" : `: ${about}`}`);
  const element = s("g", { class: "edge", "data-edge": `${source}>${target}` }, title, line, texts, flow);
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

/**
 * The arrow that leads to the state in which a new actor begins.
 *
 * @param {MachineLayout} layout
 */
export function drawEntry({ nodes }) {
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
