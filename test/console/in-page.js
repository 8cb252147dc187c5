/*
 * Runs inside the browser, handed over by page.evaluate: each function stands alone.
 */

/**
 * Text that is too faint for WCAG 2.2 AA: `ratio, colours, text`.
 *
 * @returns {string[]}
 */
export function findFaintTexts() {
  /** @param {string} colour */
  const parse = (colour) => {
    const [r = 0, g = 0, b = 0, a = 1] = (colour.match(/[\d.]+/g) ?? []).map(Number);
    return colour.startsWith("rgb") ? { rgb: [r, g, b], a } : { rgb: [r, g, b].map((part) => part * 255), a };
  };
  /** @param {string} colour */
  const luminance = (colour) => {
    const [r = 0, g = 0, b = 0] = parse(colour).rgb.map((part) => {
      const value = part / 255;
      return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  /** @param {Element} element @returns {string} */
  const backgroundOf = (element) => {
    // Text in a drawing stands on the shape before it, when that is filled.
    const shape = element instanceof SVGTextElement ? element.closest(".node")?.querySelector(".body") : null;
    const own = shape ? getComputedStyle(shape).fill : getComputedStyle(element).backgroundColor;
    if (own !== "none" && own !== "transparent" && parse(own).a === 1) return own;
    return element.parentElement === null ? "rgb(255, 255, 255)" : backgroundOf(element.parentElement);
  };
  /** @param {Element} element */
  const textOf = (element) =>
    [...element.childNodes]
      .map((node) => (node.nodeType === Node.TEXT_NODE ? (node.textContent ?? "").trim() : ""))
      .join("");
  const faint = [];
  for (const element of document.querySelectorAll("body *")) {
    const text = textOf(element);
    const { width, height } = element.getBoundingClientRect();
    if (text === "" || width < 2 || height < 2) continue;
    if (element.closest(":disabled, [hidden], title, .hidden-text, option")) continue;
    const style = getComputedStyle(element);
    const front = element instanceof SVGTextElement ? style.fill : style.color;
    const back = backgroundOf(element);
    const [dark = 0, light = 0] = [luminance(front), luminance(back)].sort((a, b) => a - b);
    const ratio = (light + 0.05) / (dark + 0.05);
    const size = Number.parseFloat(style.fontSize);
    const isLarge = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700);
    if (ratio < (isLarge ? 3 : 4.5)) faint.push(`${ratio.toFixed(2)}, ${front} on ${back}: ${text.slice(0, 40)}`);
  }
  return [...new Set(faint)];
}

/** @returns {number} how far the page can be scrolled sideways, px */
export function measureOverhang() {
  return document.documentElement.scrollWidth - document.documentElement.clientWidth;
}

/** Starts to add up layout shifts. Source: W3C, Layout Instability. */
export function watchLayoutShift() {
  /** @type {{ sum: number, what: string[] }} */
  const shifts = { sum: 0, what: [] };
  Object.assign(window, { shifts });
  new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) {
      const { value, sources } = /** @type {{ value: number, sources: { node?: Node }[] }} */ (
        /** @type {unknown} */ (entry)
      );
      shifts.sum += value;
      shifts.what.push(...sources.map(({ node }) => node?.textContent?.slice(0, 40) ?? ""));
    }
  }).observe({ type: "layout-shift" });
}

/** @returns {{ sum: number, what: string[] }} since {@link watchLayoutShift}: how much, and of what */
export function readLayoutShift() {
  return /** @type {{ shifts: { sum: number, what: string[] } }} */ (/** @type {unknown} */ (window)).shifts;
}

/** @param {string} selector @returns {boolean} */
export function hasFocus(selector) {
  return document.activeElement?.matches(selector) ?? false;
}

/**
 * How long the page takes from an action to having painted what it led to: until `done` matches, and one frame more.
 *
 * @param {{ act: string, on: string, done: string }} wanted `act` on the element `on`: `click`, or `value=text`
 * @returns {Promise<number>} ms
 */
export async function timeInteraction({ act, on, done }) {
  const element = document.querySelector(on);
  if (!(element instanceof HTMLElement || element instanceof SVGElement)) throw new Error(`there is no ${on}`);
  for (const marked of document.querySelectorAll("[data-before]")) marked.removeAttribute("data-before");
  // What is there already does not count.
  for (const old of document.querySelectorAll(done)) old.setAttribute("data-before", "");
  const startedMs = performance.now();
  if (act === "click") element.dispatchEvent(new MouseEvent("click", { bubbles: true, cancelable: true }));
  else {
    const [, value = ""] = act.split("=");
    Object.assign(element, { value });
    element.dispatchEvent(new Event("input", { bubbles: true }));
    element.dispatchEvent(new Event("change", { bubbles: true }));
  }
  while (document.querySelector(`${done}:not([data-before])`) === null) {
    if (performance.now() - startedMs > 10_000) throw new Error(`${act} on ${on} led to no ${done}`);
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  await new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve, 0)));
  return performance.now() - startedMs;
}
