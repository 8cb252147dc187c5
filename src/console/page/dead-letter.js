/** @import { DeadLetter } from "../../answers/dead-letters.ts" */
import { h } from "./dom.js";
import { count } from "./format.js";

/**
 * One dead letter: headers and bytes as they were sent; what is not text is shown in hex.
 *
 * @param {DeadLetter} letter
 */
export function renderLetter({ stream, sequence, receivedAt, publishedSequence, headers, body, encoding }) {
  const place = publishedSequence === null ? "not yet in DEAD_LETTERS" : `${count(publishedSequence)} in DEAD_LETTERS`;
  const rows = headers.map(([name, value]) =>
    h("tr", h("th", { scope: "row", class: "any mono" }, name), h("td.any.mono", value)),
  );
  return h(
    "div.stack",
    h("p.note", `${count(sequence)} in ${stream}, stored ${receivedAt}; ${place}`),
    rows.length === 0 ? h("p.note", "It had no headers.") : h("table", h("tbody", rows)),
    h(
      "pre.bytes.mono",
      { tabindex: 0, "aria-label": "Original bytes" },
      encoding === "utf8" ? body || "(empty)" : hex(body),
    ),
  );
}

/** Sixteen bytes a line: offset, hex, ASCII. @param {string} base64 */
function hex(base64) {
  const bytes = Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
  const lines = [];
  for (let at = 0; at < bytes.length; at += 16) {
    const row = [...bytes.subarray(at, at + 16)];
    const codes = row.map((byte) => byte.toString(16).padStart(2, "0")).join(" ");
    const letters = row.map((byte) => (byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : ".")).join("");
    lines.push(`${at.toString(16).padStart(8, "0")}  ${codes.padEnd(47)}  ${letters}`);
  }
  return lines.join("\n");
}
