/** @import { Stats } from "../../answers/queries.ts" */
/** @import { Machine } from "./types.d.ts" */
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

/** The API's parameters as options of `natstate list`. */
const OPTIONS = new Map([
  ["state", "--state"],
  ["decision", "--decision"],
  ["completeness", "--completeness"],
  ["waitingFor", "--waiting-for"],
  ["quarantined", "--quarantined"],
  ["idPrefix", "--prefix"],
  ["updatedBefore", "--updated-before"],
]);

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
  const pairs = () => [
    ["idPrefix", search.value.trim()],
    ...Object.entries(selects).map(([name, { value }]) => [name, value]),
  ];
  const chosen = () => new URLSearchParams(pairs().filter(([, value]) => value !== ""));

  function clear() {
    search.value = "";
    for (const select of Object.values(selects)) select.value = "";
    onChange();
  }

  return {
    search,
    element: arrange(words(type.name), search, selects, clear),
    /** The API's parameters. */
    parameters: () => toParameters(chosen()),
    /** The page's own address, to come back to or to hand on. */
    address() {
      const text = chosen().toString();
      return `#/${type.collection}${text === "" ? "" : `?${text}`}`;
    },
    /** In which order the API answers, see `listOrder` there. */
    order() {
      const asked = chosen();
      if (asked.has("idPrefix") || asked.has("quarantined")) return "by id";
      const isIncomplete = asked.has("waitingFor") || (asked.get("completeness") ?? "100") !== "100";
      if (!asked.has("silent") || asked.has("state") || asked.has("decision") || isIncomplete) return "newest first";
      return "last heard of first";
    },
    /** The same question for a terminal. */
    command: () => toCommand(machine, toParameters(chosen())),
  };
}

/**
 * @param {Machine["type"]} type
 * @param {Stats} stats
 * @param {URLSearchParams} query
 * @param {() => void} onChange
 */
function createSelects(type, stats, query, onChange) {
  /** @param {string} name @param {readonly string[]} values @param {string} any @param {(value: string) => string} [text] */
  const of = (name, values, any, text = (value) => value) => {
    const chosen = query.get(name) ?? "";
    const all = values.includes(chosen) || chosen === "" ? values : [...values, chosen];
    return choice(
      { name, change: onChange },
      [["", any], ...all.map((value) => /** @type {const} */ ([value, text(value)]))],
      chosen,
    );
  };
  const standing = type.decisionTypes.filter((decision) => decision !== type.withdrawn);
  const decisionText = (/** @type {string} */ value) => (value === "none" ? "none stands" : value);
  return {
    state: of("state", type.states, "any state"),
    decision: of("decision", [...standing, "none"], "any decision", decisionText),
    completeness: of("completeness", Object.keys(stats.completeness.byPercent), "any share", (value) => `${value} %`),
    waitingFor: of("waitingFor", type.eventTypes, "anything"),
    quarantined: of("quarantined", ["true"], "or not", () => "only"),
    silent: of("silent", Object.keys(SILENCES_MS), "any time", (value) => `over ${value}`),
  };
}

/**
 * @param {string} name
 * @param {HTMLElement} search
 * @param {ReturnType<typeof createSelects>} selects
 * @param {() => void} clear
 */
function arrange(name, search, selects, clear) {
  /** @param {string} text @param {HTMLElement} control @param {string} [className] */
  const labelled = (text, control, className = "") => h("label", { class: className }, text, control);
  return h(
    "form",
    { class: "filters", role: "search", submit: (/** @type {Event} */ event) => event.preventDefault() },
    labelled(`${name} id`, search, "find"),
    labelled("State", selects.state),
    labelled("Decision", selects.decision),
    labelled("Known", selects.completeness),
    labelled("Waiting for", selects.waitingFor),
    labelled("Quarantined", selects.quarantined),
    labelled("Silent for", selects.silent),
    h("button", { type: "button", click: clear }, "Clear"),
  );
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
  const options = [...parameters].map(([name, value]) =>
    value === "true" ? `${OPTIONS.get(name)}` : `${OPTIONS.get(name)} ${shellWord(value)}`,
  );
  return natstate(machine, ["list", ...options].join(" "));
}
