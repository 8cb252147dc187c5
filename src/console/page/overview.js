/** @import { ActorCounts } from "../../answers/queries.ts" */
/** @import { Machine, Place, Pulse, View } from "./types.d.ts" */
import { h, write } from "./dom.js";
import { count, rate, share, words } from "./format.js";
import { createLateness } from "./lateness.js";
import { createBars, createPlot } from "./plot.js";
import { createStatechart, renderEverywhere } from "./statechart.js";

/** Seconds a rate is the mean of. */
const RATE_SECONDS = 5;

/**
 * The machine with its population, and how the work goes.
 *
 * @param {Place} place
 * @returns {View}
 */
export function showOverview({ machine }) {
  const { collection, name, eventTypes } = machine.type;
  const tiles = createTiles(collection);
  const chart = createMachineCard(machine);
  const known = createBarsCard(
    "How much is known",
    `${words(collection)} by known share of their parts, now`,
    (percent) => {
      return h("a", { href: `#/${collection}?completeness=${percent}` }, `${percent} %`);
    },
  );
  const outcomes = createBarsCard("What became of events", "deliveries since the store began", (outcome) =>
    words(outcome),
  );
  const lateness = createLateness(eventTypes);
  const element = h(
    "div",
    { class: "stack" },
    h("h1", { class: "hidden-text", tabindex: -1 }, `${words(name)} overview`),
    h("section", { class: "tiles", "aria-label": "Now" }, tiles.elements),
    chart.element,
    h(
      "div",
      { class: "columns three stretch" },
      card("How late events arrive", "from event time to the stream, last 5 min", lateness.element),
      known.element,
      outcomes.element,
    ),
  );
  return {
    element,
    title: "Overview",
    onPulse(pulse) {
      const { stats, activity } = pulse;
      tiles.update(pulse);
      chart.update(pulse);
      lateness.update(activity.lateness);
      known.update(Object.entries(stats.completeness.byPercent));
      outcomes.update([...Object.entries(outcomesOf(stats.events)), ["rejected", sum(stats.deadLetters.byReason)]]);
    },
  };
}

/** @param {string} collection */
function createTiles(collection) {
  const events = createTile("Events per second");
  const decisions = createTile("Decisions per second");
  const revised = createTile("Decisions later revised");
  const lag = createTile("Lag", "");
  const dead = createTile("Dead letters");
  return {
    elements: [events, decisions, revised, lag, dead].map(({ element }) => element),
    /** @param {Pulse} pulse */
    update({ stats, activity: { seconds } }) {
      const { parked: _, ...heard } = stats.events;
      const decided = sum(stats.decisions.byType);
      const { total } = /** @type {{ total: number }} */ (stats[collection]);
      const letters = sum(stats.deadLetters.byReason);
      events.update(rate(lately(seconds.events)), `${count(sum(heard))} ever`, seconds.events);
      decisions.update(
        rate(lately(seconds.decisions)),
        `${count(decided)} on ${count(total)} ${collection}`,
        seconds.decisions,
      );
      revised.update(
        share(stats.decisions.revised, decided),
        `${count(stats.decisions.revised)} replaced another`,
        seconds.revised,
      );
      const unread = seconds.lag.at(-1) ?? null;
      lag.update(
        unread === null ? "unknown" : count(unread),
        unread === null ? "NATS does not say: see readiness" : "stored, not yet applied",
        seconds.lag.map((value) => value ?? 0),
      );
      const quarantine = stats.quarantined === 0 ? "" : `, ${count(stats.quarantined)} in quarantine`;
      dead.update(
        count(letters),
        `${count(sumOf(seconds.deadLetters.slice(-60)))} in the last minute${quarantine}`,
        seconds.deadLetters,
      );
    },
  };
}

/** @param {string} label @param {string} [unit] of its plot */
function createTile(label, unit = "/s") {
  const value = h("p", { class: "value" }, "–");
  const note = h("p", { class: "note" }, "\u00a0");
  const plot = createPlot(`${label}, last 5 minutes`, unit);
  return {
    element: h("div", { class: "card tile", "data-tile": label }, h("h2", {}, label), value, note, plot.element),
    /**
     * @param {string} text
     * @param {string} about
     * @param {readonly number[]} values
     */
    update(text, about, values) {
      write(value, text);
      write(note, about);
      plot.update(values);
    },
  };
}

/** @param {Machine} machine */
function createMachineCard(machine) {
  const { layout, type } = machine;
  const chart = createStatechart(layout, {
    label: `The ${type.name} machine`,
    hrefOf: (id) => `#/${type.collection}?state=${encodeURIComponent(id)}`,
  });
  const states = h("div", { class: "bars states" });
  const bars = createBars(states, (state) =>
    h("a", { href: `#/${type.collection}?state=${encodeURIComponent(state)}` }, state),
  );
  const of = machine.types[0]?.name === type.name ? "" : `?of=${type.collection}`;
  const header = h(
    "header",
    {},
    h("h2", {}, `The ${type.name} machine`),
    h("p", {}, `how many ${type.collection} are in each state, and how many moved in the last minute`),
    h("a", { class: "note end", href: `#/machine${of}` }, "as text, for Stately Studio"),
  );
  return {
    element: h(
      "section",
      { class: "card" },
      header,
      states,
      h("div", { class: "chart-scroll" }, chart.element),
      renderEverywhere(layout),
    ),
    /** @param {Pulse} pulse */
    update({ stats, activity, next }) {
      const counts = /** @type {ActorCounts} */ (stats[type.collection]);
      chart.showCounts(counts, next);
      chart.showFlow(activity.flow);
      bars.update(Object.entries(counts.byPath ?? counts.byState));
    },
  };
}

/**
 * @param {string} title
 * @param {string} about
 * @param {(name: string) => Node | string} labelOf
 */
function createBarsCard(title, about, labelOf) {
  const element = h("div", { class: "bars" });
  const bars = createBars(element, labelOf);
  return { element: card(title, about, element), update: bars.update };
}

/** @param {string} title @param {string} about @param {Node} content */
function card(title, about, content) {
  return h("section", { class: "card" }, h("header", {}, h("h2", {}, title), h("p", {}, about)), content);
}

/** Of a type by event time none is superseded. @param {Pulse["stats"]["events"]} events */
function outcomesOf(events) {
  const { superseded, ...others } = events;
  return superseded === 0 && "reordered" in events ? others : events;
}

/** @param {readonly number[]} values */
function lately(values) {
  return sumOf(values.slice(-RATE_SECONDS)) / RATE_SECONDS;
}

/** @param {readonly number[]} values */
function sumOf(values) {
  return values.reduce((total, value) => total + value, 0);
}

/** @param {Readonly<Record<string, number>>} counts */
function sum(counts) {
  return sumOf(Object.values(counts));
}
