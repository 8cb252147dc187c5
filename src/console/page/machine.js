/** @import { Machine, Place, View } from "./types.d.ts" */
import { askText, messageOf } from "./api.js";
import { copyable, copyButton, natstate } from "./copy.js";
import { card, choice, fill, h, write } from "./dom.js";
import { createStatechart, renderEverywhere } from "./statechart.js";

/** @type {Readonly<Record<string, readonly [name: string, about: string]>>} */
const FORMATS = {
  source: [
    "Source",
    "To paste into Stately Studio (stately.ai/editor, Import from code), which draws and edits it. Nothing is sent there by this page: what you paste is what it gets.",
  ],
  json: ["JSON", "The machine's config: for createMachine, and for tools that read statecharts."],
  mermaid: ["Mermaid", "A diagram for a README or a wiki."],
  text: ["In words", "Each state with where it goes and why: for a review, or to be read aloud."],
};

/**
 * The machine itself: drawn, and as text to take elsewhere.
 *
 * @param {Place} place
 * @returns {Promise<View>}
 */
export async function showMachine({ machine, query }) {
  const { type, layout } = machine;
  const chart = createStatechart(layout, { label: `The ${type.name} machine` });
  const taken = createTaking(machine, query.get("as") ?? "source");
  await taken.load();
  const element = h(
    "div.stack",
    h("h1", { tabindex: -1 }, `The ${type.name} machine`),
    layout.description !== null && h("p.lead", layout.description),
    h("section.card", { "aria-label": "Statechart" }, h("div.chart-scroll", chart.element), renderEverywhere(layout)),
    taken.element,
    card("The same in a terminal", "", taken.command),
  );
  return { element, title: `The ${type.name} machine` };
}

/**
 * @param {Machine} machine
 * @param {string} wanted
 */
function createTaking(machine, wanted) {
  const { name } = machine.type;
  const options = Object.entries(FORMATS).map(([format, [text]]) => /** @type {const} */ ([format, text]));
  const chosen = wanted in FORMATS ? wanted : "source";
  const formats = choice({ "aria-label": "Format", change: () => void load() }, options, chosen);
  const about = h("p.note", { role: "status" });
  const text = h("pre.bytes.source.mono", { tabindex: 0, "aria-label": "The machine as text" });
  const command = h("div");

  async function load() {
    const format = formats.value;
    fill(command, copyable(natstate({ ...machine, where: "" }, `machine export --format ${format}`)));
    try {
      write(text, await askText(`/api/machine/source?type=${name}&format=${format}`));
      write(about, FORMATS[format]?.[1] ?? "");
    } catch (error) {
      write(about, messageOf(error));
    }
  }

  return {
    element: h(
      "section.card.stack",
      h("div.pager", h("h2", "Take it elsewhere"), formats, copyButton(text, "Copy the machine", "primary")),
      about,
      text,
    ),
    command,
    load,
  };
}
