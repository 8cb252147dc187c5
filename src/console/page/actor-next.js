/** @import { ActorNext } from "../../answers/queries.ts" */
/** @import { Foreseen } from "../../answers/replay.ts" */
/** @import { Machine, Scene } from "./types.d.ts" */
import { contentOf } from "./actor-decisions.js";
import { describeWaiting } from "./actor-texts.js";
import { ask } from "./api.js";
import { fill, h, table, write } from "./dom.js";
import { words } from "./format.js";

/** Which delays ran at an earlier step, nobody kept. */
const PAST = { due: [], quarantine: undefined };

/**
 * What the actor waits for at this step, and what each event that may come would lead to: the daemon asks the machine
 * itself.
 *
 * @param {Machine} machine
 * @param {string} path of the actor in the API
 */
export function createNext(machine, path) {
  const waiting = h("p");
  const body = h("tbody");
  const guesses = table("fixed next", ["if this came next", "then"], body);
  let asking = new AbortController();

  /** @param {Scene} scene */
  async function load({ step, story }) {
    asking.abort();
    asking = new AbortController();
    const { signal } = asking;
    const now = story.steps[step - 1] ?? story.initial;
    try {
      const { next } = /** @type {ActorNext} */ (await ask(`${path}/next?at=${step}`, signal));
      // What it waits for comes first; the sort is stable.
      /** @param {Foreseen} one */
      const rank = ({ eventType }) => (now.waitingFor.includes(eventType) ? 0 : 1);
      fill(
        body,
        next.toSorted((a, b) => rank(a) - rank(b)).map((one) => renderRow(machine, now.state, one)),
      );
      guesses.hidden = next.length === 0;
    } catch (error) {
      if (!signal.aborted) fill(body, h("tr", h("td", String(error)), h("td")));
    }
  }

  return {
    element: h("div.stack", waiting, guesses),
    /** @param {Scene} scene */
    show(scene) {
      const now = scene.story.steps[scene.step - 1] ?? scene.story.initial;
      const { due, quarantine } = scene.isLatest ? { due: scene.due, quarantine: scene.story.quarantine } : PAST;
      write(waiting, describeWaiting(now.waitingFor, due, quarantine));
      void load(scene);
    },
  };
}

/**
 * @param {Machine} machine
 * @param {string} state
 * @param {Foreseen} foreseen
 */
function renderRow(machine, state, { eventType, label, applies, state: then, decision, changes, data }) {
  const consequence = decision === null ? null : `${decision.decisionType} ${contentOf(machine, decision)}`;
  const outcome = applies
    ? [
        h("div", then === state ? `stays ${then}` : h("strong", `→ ${then}`)),
        h("div.note", consequence ?? (changes.length === 0 ? "nothing changes" : "no new decision")),
      ]
    : h("div.muted", "changes nothing");
  return h(
    "tr",
    { title: JSON.stringify(data) },
    h("td", words(eventType), label !== "" && h("div.note", label)),
    h("td.any", outcome),
  );
}
