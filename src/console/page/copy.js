/** @import { Machine } from "./types.d.ts" */
import { isFirst } from "./addresses.js";
import { h, write } from "./dom.js";

/**
 * A command to copy into a terminal.
 *
 * @param {string} command
 * @returns {HTMLElement}
 */
export function copyable(command) {
  const code = h("code", command);
  return h("div.command", code, copyButton(code, `Copy: ${command}`));
}

/**
 * A button that copies what an element says.
 *
 * @param {HTMLElement} source
 * @param {string} label for those who hear it
 * @param {string} [className]
 */
export function copyButton(source, label, className = "quiet") {
  const button = h("button", { type: "button", class: className, "aria-label": label, click: copy }, "Copy");

  async function copy() {
    try {
      await navigator.clipboard.writeText(source.textContent ?? "");
      write(button, "Copied");
      setTimeout(() => write(button, "Copy"), 1500);
    } catch {
      // Without a secure context there is no clipboard: at least it is selected.
      getSelection()?.selectAllChildren(source);
    }
  }

  return button;
}

/**
 * A command of the command line, for the daemon this page is of; the first actor type needs no `--type` there.
 *
 * @param {Machine} machine
 * @param {string} command
 */
export function natstate(machine, command) {
  const which = isFirst(machine) ? "" : `--type ${shellWord(machine.type.name)}`;
  return ["npx natstate", command, which, machine.where].filter((part) => part !== "").join(" ");
}

/**
 * A word of a command: quoted when a shell would take it apart.
 *
 * @param {string} word
 */
export function shellWord(word) {
  return /^[\w:./=-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}
