/** @import { Member } from "../../members/member.ts" */
/** @import { Overview } from "../../members/overview.ts" */
/** @import { Place, View } from "./types.d.ts" */
import { ask, messageOf } from "./api.js";
import { copyable, natstate } from "./copy.js";
import { card, fill, h, table, write } from "./dom.js";
import { count, duration, ranges } from "./format.js";

const HEAD = ["daemon", "ready", "partitions", "lag", "memory", "up", "version"];
const MIB = 1_048_576;

/**
 * The daemons that share the work: who reads what, and how each is.
 *
 * @param {Place} place
 * @returns {Promise<View>}
 */
export async function showDaemons({ machine }) {
  const note = h("p.note", { role: "status" });
  const body = h("tbody");
  let isAsking = false;

  async function update() {
    if (isAsking) return;
    isAsking = true;
    try {
      const overview = /** @type {Overview} */ (await ask("/api/daemons"));
      fill(body, overview.daemons.map(createRow));
      write(note, summarise(overview));
    } catch (error) {
      // What is shown stays.
      write(note, messageOf(error));
    } finally {
      isAsking = false;
    }
  }

  await update();
  const list = h("section.card", { "aria-label": "Daemons" }, note, table("cards", HEAD, body));
  const element = h(
    "div.stack",
    h("h1", { tabindex: -1 }, "Daemons"),
    list,
    card("The same in a terminal", "", copyable(natstate(machine, "daemons"))),
  );
  return { element, title: "Daemons", onPulse: () => void update() };
}

/** @param {Overview} overview */
function summarise({ daemons, unread }) {
  const others = daemons.filter(({ ready }) => !ready).length;
  const how = others === 0 ? "all are ready" : `${count(others)} not ready`;
  const missing = unread.map(
    ({ stream, partitions }) => `; nobody reads partitions ${ranges(partitions)} of ${stream}`,
  );
  return `${daemons.length === 1 ? "One daemon" : `${count(daemons.length)} daemons`}, ${how}${missing.join("")}`;
}

/** @param {Member} daemon */
function createRow(daemon) {
  const { host, pid, instance, ready, leaving, troubles, streams, lag, rssBytes, startedAt, version } = daemon;
  const number = daemon.daemon === null ? "" : ` (${daemon.daemon})`;
  const cell = (/** @type {string} */ label, /** @type {import("./dom.js").Child[]} */ ...content) =>
    h("td", { "data-label": label }, content);
  return h(
    "tr",
    h("th", { scope: "row", title: `instance ${instance}` }, `${host} ${pid}${number}`),
    cell(
      "ready",
      ready ? "yes" : "no",
      leaving && ", leaving",
      troubles.map((trouble) => h("p.note", trouble)),
    ),
    cell("partitions", streams.map(describeStream)),
    cell("lag", lag === null ? "unknown" : count(lag)),
    cell("memory", `${count(rssBytes / MIB)} MiB`),
    cell("up", duration(Math.max(0, Date.now() - Date.parse(startedAt)))),
    cell("version", version),
  );
}

/** @param {Member["streams"][number]} stream */
function describeStream({ type, typeVersion, partitions, holds, follows }) {
  const read = holds.length === 0 ? "none" : `${ranges(holds)} (${holds.length} of ${partitions})`;
  const along = follows.length === 0 ? "" : `, follows ${ranges(follows)}`;
  return h("p", `${type} v${typeVersion}: ${read}${along}`);
}
