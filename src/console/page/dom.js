import { humps } from "./format.js";

/*
 * Elements without markup: whatever comes from an event becomes a text node or an attribute's value, never HTML.
 */

/** @typedef {Node | string | number | null | undefined | false | readonly Child[]} Child */
/** @typedef {Readonly<Record<string, unknown>>} Properties */

const SVG = "http://www.w3.org/2000/svg";

/**
 * Makes an HTML element. A property that is a function listens to the event of its name; true and false set and leave
 * out an attribute; anything else is an attribute's text.
 *
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Properties} [properties]
 * @param {...Child} children
 * @returns {HTMLElementTagNameMap[Tag]}
 */
export function h(tag, properties = {}, ...children) {
  return furnish(document.createElement(tag), properties, children);
}

/**
 * Makes an SVG element, as {@link h} makes HTML.
 *
 * @template {keyof SVGElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Properties} [properties]
 * @param {...Child} children
 * @returns {SVGElementTagNameMap[Tag]}
 */
export function s(tag, properties = {}, ...children) {
  return furnish(/** @type {SVGElementTagNameMap[Tag]} */ (document.createElementNS(SVG, tag)), properties, children);
}

/**
 * Sets an element's text when it is another, so that nothing is laid out anew for nothing.
 *
 * @param {Element} element
 * @param {string} text
 */
export function write(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/**
 * Puts other children into an element.
 *
 * @param {Element} element
 * @param {...Child} children
 */
export function fill(element, ...children) {
  element.replaceChildren(...nodesOf(children));
}

/**
 * A table with a head.
 *
 * @param {string} className
 * @param {readonly Child[]} head one for each column
 * @param {HTMLElement} body
 */
export function table(className, head, body) {
  const cells = head.map((cell) => h("th", { scope: "col" }, cell));
  return h("table", { class: className }, h("thead", {}, h("tr", {}, cells)), body);
}

/**
 * A list to choose one of.
 *
 * @param {Properties} properties
 * @param {readonly (readonly [value: string, text: string])[]} options
 * @param {string} chosen
 */
export function choice(properties, options, chosen) {
  const items = options.map(([value, text]) => h("option", { value, selected: value === chosen }, text));
  return h("select", properties, items);
}

/**
 * A name without spaces that may be broken into lines all the same.
 *
 * @param {string} name
 */
export function breakable(name) {
  return humps(name).map((hump, index) => [index > 0 && h("wbr"), hump]);
}

/**
 * @template {Element} Made
 * @param {Made} element
 * @param {Properties} properties
 * @param {readonly Child[]} children
 * @returns {Made}
 */
function furnish(element, properties, children) {
  for (const [name, value] of Object.entries(properties)) {
    if (typeof value === "function") element.addEventListener(name, /** @type {EventListener} */ (value));
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value !== undefined && value !== null) element.setAttribute(name, String(value));
  }
  element.append(...nodesOf(children));
  return element;
}

/**
 * @param {readonly Child[]} children
 * @returns {(Node | string)[]}
 */
function nodesOf(children) {
  return children.flatMap((child) => {
    if (Array.isArray(child)) return nodesOf(child);
    if (child === null || child === undefined || child === false) return [];
    return [child instanceof Node ? child : String(child)];
  });
}
