/** @import { Stats } from "../../answers/queries.ts" */
/** @import { Machine } from "./types.d.ts" */

import { address } from "./addresses.js";
import { natstate, shellWord } from "./copy.js";
import { choice, h } from "./dom.js";
import { words } from "./format.js";

/** @type {Readonly<Record<string, number>>} */
const SILENCES_MS = {
  "1 min": 60_000,
  "10 min": 600_000,
  "1 h": 3_600_000,
  "1 day": 86_400_000,
  "7 days": 604_800_000,
};

/**
 * The search and the filters of the list; what is chosen is in the page's address.
 *
 * @param {Machine} machine
 * @param {Stats} stats says which shares of completeness there are
 * @param {URLSearchParams} query of the address
 * @param {() => void} onChange
 */
export function createFilters(machine, stats, query, onChange) {
  const { type } = machine;
  const search = h("input", {
    type: "search",
    value: query.get("idPrefix") ?? "",
    maxlength: 128,
    autocomplete: "off",
    spellcheck: "false",
    placeholder: "begins with … ( / )",
    // Each letter asks at once.
    input: onChange,
  });
  const selects = createSelects(type, stats, query, onChange);
  const pairs = () => [["idPrefix", search.value.trim()], ...selects.map(({ name, value }) => [name, value])];
  const chosen = () => new URLSearchParams(pairs().filter(([, value]) => value !== ""));

  function clear() {
    search.value = "";
    for (const select of selects) select.value = "";
    onChange();
  }

  return {
    search,
    element: h(
      "form.filters",
      { role: "search", submit: (/** @type {Event} */ event) => event.preventDefault() },
      h("label.find.note", `${words(type.name)} id`, search),
      selects.map((select) => h("label.note", select.title, select)),
      h("button", { type: "button", click: clear }, "Clear"),
    ),
    /** The API's parameters. */
    parameters: () => toParameters(chosen()),
    /** The page's own address, to come back to or to hand on. */
    address: () => address(type.collection, chosen()),
    /** In which order the API answers, see `listOrder` there. */
    order() {
      const asked = chosen();
      return asked.has("idPrefix") || asked.has("quarantined") ? "by id" : "newest first";
    },
    /** The same question for a terminal. */
    command: () => toCommand(machine, toParameters(chosen())),
  };
}

/**
 * @param {Machine["type"]} type
 * @param {Stats} stats
 * @param {URLSearchParams} query
 * @param {() => void} change
 */
function createSelects(type, stats, query, change) {
  /** @param {readonly string[]} values @param {(value: string) => string} [text] */
  const of = (values, text = (value) => value) => values.map((value) => /** @type {const} */ ([value, text(value)]));
  const standing = type.decisionTypes.filter((decision) => decision !== type.withdrawn);
  const shares = Object.keys(stats.completeness.byPercent);
  const filters = /** @type {const} */ ([
    ["state", "State", "any state", of(type.states)],
    ["decision", "Decision", "any decision", [...of(standing), ["none", "none stands"]]],
    ["completeness", "Known", "any share", of(shares, (value) => `${value} %`)],
    ["waitingFor", "Waiting for", "anything", of(type.eventTypes)],
    ["quarantined", "Quarantined", "or not", [["true", "only"]]],
    ["silent", "Silent for", "any time", of(Object.keys(SILENCES_MS), (value) => `over ${value}`)],
  ]);
  return filters.map(([name, title, any, options]) => {
    const chosen = query.get(name) ?? "";
    const isKnown = chosen === "" || options.some(([value]) => value === chosen);
    const all = isKnown ? options : [...options, /** @type {const} */ ([chosen, chosen])];
    return choice({ name, title, change }, [["", any], ...all], chosen);
  });
}

/** @param {URLSearchParams} chosen */
function toParameters(chosen) {
  const silentMs = SILENCES_MS[chosen.get("silent") ?? ""];
  chosen.delete("silent");
  if (silentMs !== undefined) chosen.set("updatedBefore", new Date(Date.now() - silentMs).toISOString());
  return chosen;
}

/** @param {Machine} machine @param {URLSearchParams} parameters */
function toCommand(machine, parameters) {
  const options = [...parameters].map(([name, value]) => {
    const option =
      name === "idPrefix" ? "--prefix" : `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
    return value === "true" ? option : `${option} ${shellWord(value)}`;
  });
  return natstate(machine, ["list", ...options].join(" "));
}
