/** @import { ActorCounts } from "../../answers/queries.ts" */
/** @import { Machine, Place, Pulse, View } from "./types.d.ts" */
import { address, addressOfView } from "./addresses.js";
import { card, h, write } from "./dom.js";
import { count, rate, share, sum, words } from "./format.js";
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
  const known = createBars(h("div.bars"), (completeness) =>
    h("a", { href: address(collection, { completeness }) }, `${completeness} %`),
  );
  const outcomes = createBars(h("div.bars"), words);
  const lateness = createLateness(eventTypes);
  const element = h(
    "div.stack",
    h("h1.hidden-text", { tabindex: -1 }, `${words(name)} overview`),
    h("section.tiles", { "aria-label": "Now" }, tiles.elements),
    chart.element,
    h(
      "div.columns.three.stretch",
      card("How late events arrive", "from event time to the stream, last 5 min", lateness.element),
      card("How much is known", `${words(collection)} by known share of their parts, now`, known.element),
      card("What became of events", "deliveries since the store began", outcomes.element),
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
  const quarantined = h("a", { href: address(collection, { quarantined: "true" }), hidden: true });
  const dead = createTile("Dead letters", undefined, quarantined);
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
      const isNobody = stats.quarantined === 0;
      quarantined.toggleAttribute("hidden", isNobody);
      write(quarantined, `${count(stats.quarantined)} in quarantine`);
      dead.update(
        count(letters),
        `${count(sum(seconds.deadLetters.slice(-60)))} in the last minute${isNobody ? "" : ", "}`,
        seconds.deadLetters,
      );
    },
  };
}

/** @param {string} label @param {string} [unit] of its plot @param {Element} [more] after what is noted */
function createTile(label, unit = "/s", more) {
  const value = h("p.value", "–");
  const note = h("span", "\u00a0");
  const plot = createPlot(`${label}, last 5 minutes`, unit);
  return {
    element: h(
      "div.card.tile",
      { "data-tile": label },
      h("h2.note", label),
      value,
      h("p.note", note, more),
      plot.element,
    ),
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
  const hrefOf = (/** @type {string} */ state) => address(type.collection, { state });
  const chart = createStatechart(layout, { label: `The ${type.name} machine`, hrefOf });
  const states = h("div.bars.states");
  const bars = createBars(states, (state) => h("a", { href: hrefOf(state) }, state));
  const header = h(
    "header",
    h("h2", `The ${type.name} machine`),
    h("p.note", `how many ${type.collection} are in each state, and how many moved in the last minute`),
    h("a.note.end", { href: addressOfView(machine, "machine") }, "as text, for Stately Studio"),
  );
  return {
    element: h("section.card", header, states, h("div.chart-scroll", chart.element), renderEverywhere(layout)),
    /** @param {Pulse} pulse */
    update({ stats, activity, next }) {
      const counts = /** @type {ActorCounts} */ (stats[type.collection]);
      chart.showCounts(counts, next);
      chart.showFlow(activity.flow);
      bars.update(Object.entries(counts.byPath ?? counts.byState));
    },
  };
}

/** Of a type by event time none is superseded. @param {Pulse["stats"]["events"]} events */
function outcomesOf(events) {
  const { superseded, ...others } = events;
  return superseded === 0 && "reordered" in events ? others : events;
}

/** @param {readonly number[]} values */
function lately(values) {
  return sum(values.slice(-RATE_SECONDS)) / RATE_SECONDS;
}
