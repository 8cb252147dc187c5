/** @import { InspectionMessage } from "../../answers/inspection-messages.ts" */
/** @import { Machine } from "./types.d.ts" */
import { listen, messageOf } from "./api.js";
import { copyable, natstate } from "./copy.js";
import { fill, h, write } from "./dom.js";
import { count, time } from "./format.js";

/** Messages shown at most, the latest ones. */
const MAX_ROWS = 200;

/**
 * The actor's inspection events as they happen: what an XState inspector is told. Nothing is asked for until it is
 * opened, and nothing any more once it is closed.
 *
 * @param {Machine} machine
 * @param {string} id
 * @param {string} path of the actor in the API
 */
export function createLiveInspection(machine, id, path) {
  const list = h("ol.inspected", { tabindex: 0, "aria-label": "Inspection events, newest first" });
  const status = h("p.note", { role: "status" });
  const redact = h("input", { type: "checkbox", change: () => void start() });
  let listening = new AbortController();

  async function start() {
    listening.abort();
    listening = new AbortController();
    const { signal } = listening;
    let told = 0;
    fill(list);
    write(status, "connecting");
    try {
      const end = await listen(`${path}/inspect?redact=${redact.checked}`, signal, (data) => {
        list.prepend(renderMessage(JSON.parse(data)));
        if (++told > MAX_ROWS) list.lastElementChild?.remove();
        write(status, describe(told));
      });
      write(status, `Ended: ${end}. Close and open it to begin again.`);
    } catch (error) {
      if (signal.aborted) return;
      write(status, `${messageOf(error)}. Close and open it to try again.`);
    }
  }

  function stop() {
    listening.abort();
    fill(list);
    write(status, "");
  }

  const element = h(
    "details.card",
    { id: "inspect", toggle: () => (element.open ? void start() : stop()) },
    h("summary", "Inspect live"),
    h(
      "div.stack",
      h("div.pager", status, h("label.check", redact, "type names in place of values")),
      list,
      h(
        "p.note",
        "The protocol of XState's inspector. The first command serves it on a WebSocket of this machine; the second ",
        "one opens Stately's hosted inspector, which is not this machine, and hands it the machine, events and ",
        "snapshots with type names in place of values.",
      ),
      copyable(natstate(machine, `inspect ${id}`)),
      copyable(natstate(machine, `inspect ${id} --redact --open-stately`)),
    ),
  );
  return {
    element,
    /** Opens it and goes there. */
    open() {
      element.open = true;
      element.scrollIntoView({ block: "start" });
      element.querySelector("summary")?.focus({ preventScroll: true });
    },
    stop,
  };
}

/** @param {number} told */
function describe(told) {
  const shown = told > MAX_ROWS ? `the latest ${MAX_ROWS} of ${count(told)}` : count(told);
  return `${shown} messages, newest first`;
}

/** @param {InspectionMessage} message */
function renderMessage(message) {
  return h(
    "li",
    h(
      "details",
      h(
        "summary",
        h("span.note", time(new Date(Number(message.createdAt)).toISOString(), false)),
        h("span.mono", message.type),
        h("strong.any", gist(message)),
      ),
      h("pre.bytes.mono", JSON.stringify(message, null, 2)),
    ),
  );
}

/** @param {InspectionMessage} message what there is to see at a glance */
function gist(message) {
  if (message.type === "@xstate.actor") return `${message.name}, with its machine`;
  return message.type === "@xstate.event" ? message.event.type : `→ ${stateOf(message.snapshot)}`;
}

/** @param {Readonly<Record<string, unknown>>} snapshot a name, or of nested states JSON */
function stateOf({ value }) {
  return typeof value === "string" ? value : JSON.stringify(value);
}
