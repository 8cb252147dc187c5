import { humps } from "./format.js";

/*
 * Elements without markup: whatever comes from an event becomes a text node or an attribute's value, never HTML.
 */

/** @typedef {Node | string | number | null | undefined | false | readonly Child[]} Child */
/** @typedef {Readonly<Record<string, unknown>>} Properties */
/** @typedef {readonly [Properties, ...Child[]] | readonly Child[]} Rest */
/** @template {string} Tag @typedef {Tag | `${Tag}.${string}`} Selector */
/** @template {string} Given @template {string} Tag @typedef {Extract<Given extends `${infer First}.${string}` ? First : Given, Tag>} TagOf */

const SVG = "http://www.w3.org/2000/svg";

/**
 * Makes an HTML element: `h("p.note", "text")`, `h("a.end", { href: "#/" }, "text")`. A property that is a function listens to
 * the event of its name; true and false set and leave out an attribute; anything else is an attribute's text.
 *
 * @template {Selector<keyof HTMLElementTagNameMap>} Given
 * @param {Given} selector a tag, and its classes
 * @param {Rest} rest properties, if there are any, and children
 * @returns {HTMLElementTagNameMap[TagOf<Given, keyof HTMLElementTagNameMap>]}
 */
export function h(selector, ...rest) {
  const [tag = "", ...classes] = selector.split(".");
  const element = /** @type {HTMLElementTagNameMap[TagOf<Given, keyof HTMLElementTagNameMap>]} */ (
    document.createElement(tag)
  );
  return furnish(element, classes, rest);
}

/**
 * Makes an SVG element, as {@link h} makes HTML.
 *
 * @template {Selector<keyof SVGElementTagNameMap>} Given
 * @param {Given} selector
 * @param {Rest} rest
 * @returns {SVGElementTagNameMap[TagOf<Given, keyof SVGElementTagNameMap>]}
 */
export function s(selector, ...rest) {
  const [tag = "", ...classes] = selector.split(".");
  const element = /** @type {SVGElementTagNameMap[TagOf<Given, keyof SVGElementTagNameMap>]} */ (
    document.createElementNS(SVG, tag)
  );
  return furnish(element, classes, rest);
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
  return h("table", { class: className }, h("thead", h("tr", cells)), body);
}

/**
 * A part of a page under a heading.
 *
 * @param {string} title
 * @param {string} about a line beside it; empty for none
 * @param {...Child} content
 */
export function card(title, about, ...content) {
  return h("section.card", h("header", h("h2", title), about !== "" && h("p.note", about)), content);
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
 * @param {readonly string[]} classes
 * @param {Rest} rest
 * @returns {Made}
 */
function furnish(element, classes, rest) {
  const [first, ...others] = rest;
  const [properties, children] = areProperties(first) ? [first, others] : [{}, rest];
  element.classList.add(...classes);
  for (const [name, value] of Object.entries(properties)) {
    if (typeof value === "function") element.addEventListener(name, /** @type {EventListener} */ (value));
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value !== undefined && value !== null) element.setAttribute(name, String(value));
  }
  element.append(...nodesOf(/** @type {readonly Child[]} */ (children)));
  return element;
}

/** @param {Rest[number]} first @returns {first is Properties} */
function areProperties(first) {
  return typeof first === "object" && first !== null && !(first instanceof Node) && !Array.isArray(first);
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
