import { h, write } from "./dom.js";

/**
 * A command to copy into a terminal.
 *
 * @param {string} command
 * @returns {HTMLElement}
 */
export function copyable(command) {
  const code = h("code", {}, command);
  const button = h("button", { type: "button", class: "quiet", "aria-label": `Copy: ${command}`, click: copy }, "Copy");

  async function copy() {
    try {
      await navigator.clipboard.writeText(command);
      write(button, "Copied");
      setTimeout(() => write(button, "Copy"), 1500);
    } catch {
      // Without a secure context there is no clipboard: at least it is selected.
      getSelection()?.selectAllChildren(code);
    }
  }

  return h("div", { class: "command" }, code, button);
}

/**
 * A word of a command: quoted when a shell would take it apart.
 *
 * @param {string} word
 */
export function shellWord(word) {
  return /^[\w:./=-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}
