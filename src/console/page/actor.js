/** @import { ActorAnswer, ActorSteps } from "../../answers/queries.ts" */
/** @import { Machine, Place, Scene, View } from "./types.d.ts" */
import { createClocks } from "./actor-clocks.js";
import { renderDecisions } from "./actor-decisions.js";
import { renderFacets } from "./actor-facets.js";
import { createFold } from "./actor-fold.js";
import { createLiveInspection } from "./actor-live.js";
import { createNext } from "./actor-next.js";
import { createQuarantine } from "./actor-quarantine.js";
import { renderStep } from "./actor-step.js";
import { createTravel } from "./actor-travel.js";
import { address, addressOfActor } from "./addresses.js";
import { ask } from "./api.js";
import { copyable, copyButton, natstate } from "./copy.js";
import { card, fill, h, write } from "./dom.js";
import { words } from "./format.js";
import { createStatechart } from "./statechart.js";

const LOOK_AGAIN_MS = 2000;

/**
 * One actor's whole story, and any moment of it.
 *
 * @param {Place} place
 * @returns {Promise<View>}
 */
export async function showActor({ machine, id, query }) {
  const { collection, name } = machine.type;
  const path = `/api/${collection}/${encodeURIComponent(id)}`;
  let [actor, story] = await Promise.all([
    /** @type {Promise<ActorAnswer>} */ (ask(path)),
    /** @type {Promise<ActorSteps>} */ (ask(`${path}/steps`)),
  ]);
  const parts = createParts(machine, id, path);
  const asked = Number(query.get("step") ?? Number.NaN);
  let step = Number.isInteger(asked) && asked >= 0 ? Math.min(asked, story.steps.length) : story.steps.length;
  let lookedMs = Date.now();

  /** @param {number} wanted */
  function select(wanted) {
    step = Math.max(0, Math.min(story.steps.length, wanted));
    const isLatest = step === story.steps.length;
    history.replaceState(null, "", addressOfActor(machine.type, id, isLatest ? {} : { step: String(step) }));
    parts.show({ story, due: actor.due, step, isLatest, select });
  }

  /** What has happened since: whoever looks at the latest step goes on with it. */
  async function lookAgain() {
    const fresh = /** @type {ActorAnswer} */ (await ask(path));
    if (signature(fresh) === signature(actor)) return;
    const isLatest = step === story.steps.length;
    [actor, story] = [fresh, /** @type {ActorSteps} */ (await ask(`${path}/steps`))];
    parts.load(actor, story);
    select(isLatest ? story.steps.length : step);
  }

  parts.load(actor, story);
  select(step);
  return {
    element: parts.element,
    title: `${name} ${id}`,
    close: parts.close,
    onPulse() {
      if (Date.now() - lookedMs < LOOK_AGAIN_MS) return;
      lookedMs = Date.now();
      // The frame says when the daemon is away; the next pulse tries again.
      lookAgain().catch(() => {});
    },
  };
}

/** @param {ActorAnswer} actor */
function signature({ version, decision, eventHistory, due, catchingUp, quarantine }) {
  const heardAgain = eventHistory.map(({ duplicates, conflicts }) => [duplicates, conflicts]);
  return JSON.stringify([version, decision, due, catchingUp, quarantine, heardAgain]);
}

/**
 * @param {Machine} machine
 * @param {string} id
 * @param {string} path
 */
function createParts(machine, id, path) {
  const { name, collection } = machine.type;
  const pills = h("span.title");
  const quarantine = createQuarantine(machine, id, path);
  const chart = createStatechart(machine.layout, { label: `The ${name} machine, where this ${name} is` });
  const [travel, clocks, fold, next] = [createTravel(), createClocks(), createFold(), createNext(machine, path)];
  const [step, facets, decisions, json] = [h("div"), h("div.facets"), h("div"), h("pre.bytes.mono")];
  const inspection = createLiveInspection(machine, id, path);
  const out = "as the events arrived, and as they happened; lines that cross: out of order";
  const story = [
    h(
      "div.stack",
      card("Two clocks", out, clocks.element),
      card("What is known then", "", facets),
      card("Decisions", "", decisions),
    ),
    h("div.stack.early", card("What this event did", "", step), card("What may come next", "", next.element)),
  ];
  return {
    element: h(
      "div.stack",
      h("p.note", h("a", { href: address(collection) }, words(collection)), ` / ${name}`),
      h(
        "div.title",
        h("h1.mono", { tabindex: -1 }, id),
        pills,
        h("button.end", { type: "button", click: inspection.open }, "Inspect live"),
      ),
      quarantine.element,
      h("section.card", { "aria-label": "State" }, h("div.chart-scroll", chart.element), travel.element),
      h("div.columns.story", story),
      fold.element,
      layRaw(machine, id, path, json),
      inspection.element,
    ),
    close: inspection.stop,
    /** @param {ActorAnswer} actor @param {ActorSteps} told */
    load(actor, told) {
      quarantine.show(actor.quarantine);
      fill(pills, renderPills(actor));
      fill(decisions, renderDecisions(machine, told));
      write(json, JSON.stringify(actor, null, 2));
    },
    /** @param {Scene} scene */
    show(scene) {
      const { story } = scene;
      const now = story.steps[scene.step - 1] ?? story.initial;
      const before = story.steps[scene.step - 2] ?? story.initial;
      chart.light(now.state, scene.step === 0 ? now.state : before.state);
      fill(step, renderStep(scene));
      fill(facets, renderFacets(scene));
      for (const part of [travel, clocks, fold, next]) part.show(scene);
    },
  };
}

/**
 * The same for a terminal, and as it came.
 *
 * @param {Machine} machine
 * @param {string} id
 * @param {string} path
 * @param {HTMLElement} json
 */
function layRaw(machine, id, path, json) {
  const asked = [`get ${id}`, `history ${id}`].map((command) => natstate(machine, command));
  const commands = [...asked, `curl ${location.origin}${path}/steps`];
  return h(
    "div.columns",
    card("In a terminal", "", h("div.stack", commands.map(copyable))),
    h("section.card.raw", h("details", h("summary", "Raw JSON, now"), json), copyButton(json, "Copy the raw JSON")),
  );
}

/** @param {ActorAnswer} actor */
function renderPills(actor) {
  const { quarantine, processingStatus, dataCompleteness } = actor;
  const content = /** @type {{ decisionType?: string } | null} */ (actor.decision);
  return [
    quarantine !== undefined && h("span.pill.accent", "quarantined"),
    h("span", { class: quarantine === undefined ? "pill accent" : "pill" }, processingStatus),
    h("span.pill", `${Math.round(dataCompleteness)} % known`),
    h("span.pill", content?.decisionType ?? "no decision stands"),
    "catchingUp" in actor && h("span.pill", `of the past: as of ${actor.asOf ?? "an unknown time"}`),
  ];
}
