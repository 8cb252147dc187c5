import { h, s, write } from "./dom.js";
import { count, rate } from "./format.js";

const WIDTH = 300;
const HEIGHT = 36;
/** Seconds each point is the mean of: single seconds flicker. */
const SMOOTH = 5;

/**
 * A small plot of the last minutes; its size never changes.
 *
 * @param {string} label for those who hear it
 * @param {string} unit put behind its peak
 * @returns {{ element: HTMLElement, update(values: readonly number[]): void }}
 */
export function createPlot(label, unit) {
  const area = s("path.area");
  const stroke = s("path.stroke");
  const base = s("line.base", { x1: 0, x2: WIDTH, y1: HEIGHT, y2: HEIGHT });
  const title = s("title");
  const most = h("span");
  const drawing = s(
    "svg.plot",
    { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: "none", role: "img", "aria-label": label },
    title,
    area,
    base,
    stroke,
  );
  const element = h("div", drawing, h("p.scale", { "aria-hidden": "true" }, h("span", "5 min ago"), most));
  return {
    element,
    update(values) {
      const means = smooth(values);
      const peak = Math.max(0, ...means);
      const top = Math.max(1, peak);
      const points = means.map((value, index) => {
        const x = (index * WIDTH) / Math.max(1, means.length - 1);
        return `${x.toFixed(1)},${(HEIGHT - (value / top) * (HEIGHT - 3)).toFixed(1)}`;
      });
      stroke.setAttribute("d", `M${points.join("L")}`);
      area.setAttribute("d", `M0,${HEIGHT}L${points.join("L")}L${WIDTH},${HEIGHT}Z`);
      write(most, `peak ${rate(peak)}${unit}`);
      write(title, `${label}: at most ${count(Math.max(0, ...values))}`);
    },
  };
}

/** @param {readonly number[]} values */
function smooth(values) {
  let sum = 0;
  return values.map((value, index) => {
    sum += value - (index >= SMOOTH ? (values[index - SMOOTH] ?? 0) : 0);
    return sum / Math.min(SMOOTH, index + 1);
  });
}

/**
 * Labelled bars, one below the other, each with its number; rows that stay are kept, so that nothing jumps.
 *
 * @param {HTMLElement} element gets them, of class `bars`
 * @param {(name: string) => Node | string} labelOf
 */
export function createBars(element, labelOf) {
  /** @type {Map<string, { fill: HTMLElement, number: HTMLElement }>} */
  const rows = new Map();

  /** @param {string} name */
  function addRow(name) {
    const fill = h("span.fill");
    const number = h("span.number");
    element.append(h("span", labelOf(name)), h("span.meter", fill), number);
    const row = { fill, number };
    rows.set(name, row);
    return row;
  }

  return {
    element,
    /** @param {readonly (readonly [name: string, value: number])[]} values */
    update(values) {
      if (values.some(([name]) => !rows.has(name)) || values.length < rows.size) {
        rows.clear();
        element.replaceChildren();
      }
      const top = Math.max(1, ...values.map(([, value]) => value));
      for (const [name, value] of values) {
        const { fill, number } = rows.get(name) ?? addRow(name);
        fill.style.transform = `scaleX(${value / top})`;
        write(number, count(value));
      }
    },
  };
}
