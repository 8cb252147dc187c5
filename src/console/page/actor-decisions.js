/** @import { ActorSteps, DecisionEntry } from "../../answers/queries.ts" */
/** @import { Machine } from "./types.d.ts" */
import { breakable, h, table } from "./dom.js";
import { field, words } from "./format.js";

const ENVELOPE = [
  "decisionType",
  "revision",
  "supersedes",
  "decidedAt",
  "dataCompleteness",
  "basedOn",
  "causationId",
  "correlationId",
  "published",
  "sequence",
];

/**
 * Every decision taken, with the event that caused it.
 *
 * @param {Machine} machine
 * @param {ActorSteps} story
 */
export function renderDecisions(machine, { steps }) {
  const rows = steps.flatMap(({ decisions, event }, index) =>
    decisions.map((decision) => renderDecision(machine, decision, `event ${index + 1}, ${words(event.eventType)}`)),
  );
  if (rows.length === 0) return h("p.note", "None has been taken.");
  return table("fixed decisions", ["rev.", "decision", "caused by"], h("tbody", rows.reverse()));
}

/**
 * @param {Machine} machine
 * @param {DecisionEntry} decision
 * @param {string} cause
 */
function renderDecision(machine, decision, cause) {
  const { revision, supersedes, published } = decision;
  const replaced = supersedes === null ? "" : `replaces ${field(supersedes)}`;
  return h(
    "tr",
    h("td", field(revision)),
    h(
      "td.any",
      h("strong", breakable(field(decision.decisionType))),
      h("div.note", contentOf(machine, decision) || "\u00a0"),
    ),
    h("td", cause, h("div.note", [replaced, published ? "published" : "not yet published"].filter(Boolean).join(", "))),
  );
}

/**
 * What a decision says besides its type, without its envelope.
 *
 * @param {Machine} machine
 * @param {Readonly<Record<string, unknown>>} decision
 */
export function contentOf({ type }, decision) {
  return Object.entries(decision)
    .filter(([name]) => name !== type.idField && !ENVELOPE.includes(name))
    .map(([name, value]) => `${name} ${field(value)}`)
    .join(", ");
}
