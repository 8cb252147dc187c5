/** @import { Change } from "../../answers/field-changes.ts" */
/** @import { Scene } from "./types.d.ts" */
import { breakable, h, table } from "./dom.js";
import { field } from "./format.js";
import { explainOutcome } from "./outcomes.js";

/** As the server cuts them off. */
const MAX_CHANGES = 50;

/**
 * What the event of this step changed, and what it led to.
 *
 * @param {Scene} scene
 */
export function renderStep({ story, step }) {
  const now = story.steps[step - 1];
  if (now === undefined)
    return h("p.note", `Nothing has been heard yet; the machine starts in ${story.initial.state}.`);
  const before = story.steps[step - 2] ?? story.initial;
  const { event, changes, state, completeness, decisions } = now;
  const taken = decisions.map(({ revision, decisionType }) => `${field(decisionType)}, revision ${field(revision)}`);
  const facts = /** @type {const} */ ([
    ["state", compared(before.state, state)],
    ["known", compared(`${before.completeness} %`, `${completeness} %`)],
    ["decision", taken.join("; ") || "none taken"],
  ]);
  return h(
    "div.stack",
    event.duplicates > 0 && h("p.problem", `Heard ${event.duplicates + 1} times; the copies changed nothing.`),
    event.conflicts > 0 &&
      h(
        "p.problem",
        `Heard ${event.conflicts} times more under this id with other content: the first one heard counts. Its publisher has to give each event an id of its own.`,
      ),
    explainOutcome(event) !== "" && h("p.problem", explainOutcome(event)),
    h(
      "table",
      h(
        "tbody",
        facts.map(([name, told]) => h("tr", h("th.muted", { scope: "row" }, name), h("td", told))),
      ),
    ),
    changes.length > 0 && renderChanges(changes),
    h("details", h("summary", "The event itself"), h("pre.bytes.mono", JSON.stringify(event, null, 2))),
  );
}

/** @param {readonly Change[]} changes */
function renderChanges(changes) {
  const rows = changes.map(({ path, before, after }) => {
    return h(
      "tr",
      h("td.mono.any", breakable(path)),
      h("td.any", before === null ? field(after) : changed(field(before), field(after))),
    );
  });
  return h(
    "div",
    table("", ["field", "change"], h("tbody", rows)),
    changes.length === MAX_CHANGES && h("p.note", "There may be more; these are the first."),
  );
}

/** @param {string} before @param {string} after */
function compared(before, after) {
  return before === after ? `${after}, as before` : changed(before, after);
}

/** @param {string} before @param {string} after */
function changed(before, after) {
  return h("span", h("span.before", before), " → ", h("strong", after));
}
