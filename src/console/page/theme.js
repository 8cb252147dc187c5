import { fill, s } from "./dom.js";

const THEMES = ["system", "light", "dark"];
const KEY = "natstate-theme";

/** @type {Readonly<Record<string, string>>} */
const SHAPES = {
  system: "M3 5h14v9H3zM7 17h6M10 14v3",
  light:
    "M10 6a4 4 0 1 0 0 8 4 4 0 0 0 0-8M10 1v2M10 17v2M1 10h2M17 10h2M3.6 3.6 5 5M15 15l1.4 1.4M3.6 16.4 5 15M15 5l1.4-1.4",
  dark: "M15.5 12.5A7 7 0 0 1 7.5 4.5a7 7 0 1 0 8 8z",
};

/**
 * Lets a button go through: as the system, light, dark. The choice is kept in this browser.
 *
 * @param {HTMLElement} button
 */
export function setUpTheme(button) {
  let theme = localStorage.getItem(KEY) ?? "system";

  function apply() {
    if (theme === "system") delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = theme;
    button.setAttribute("aria-label", `Theme: ${theme === "system" ? "as the system" : theme}`);
    button.title = button.getAttribute("aria-label") ?? "";
    const shape = s("path", {
      d: SHAPES[theme] ?? SHAPES.system,
      fill: "none",
      stroke: "currentColor",
      "stroke-width": 1.6,
      "stroke-linecap": "round",
      "stroke-linejoin": "round",
    });
    fill(button, s("svg", { viewBox: "0 0 20 20", width: 20, height: 20, "aria-hidden": "true" }, shape));
  }

  button.addEventListener("click", () => {
    theme = THEMES[(THEMES.indexOf(theme) + 1) % THEMES.length] ?? "system";
    localStorage.setItem(KEY, theme);
    apply();
  });
  apply();
}
