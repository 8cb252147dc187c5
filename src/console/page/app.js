/** @import { Machine, Pulse, View } from "./types.d.ts" */
import { showActor } from "./actor.js";
import { showActors } from "./actors.js";
import { address, addressOfView } from "./addresses.js";
import { ask } from "./api.js";
import { showDaemons } from "./daemons.js";
import { showDeadLetters } from "./dead-letters.js";
import { choice, fill, h, write } from "./dom.js";
import { clock, words } from "./format.js";
import { follow } from "./live.js";
import { showMachine } from "./machine.js";
import { showOverview } from "./overview.js";
import { setUpTheme } from "./theme.js";

/*
 * The frame around the views: which one the address names, and what the daemon tells.
 */

const main = byId("main");
const status = byId("status");
/** @type {View | undefined} */
let view;
/** @type {Pulse | undefined} */
let latest;
const NOT_HERE = "Not here";
/** Where the console itself could not begin. */
const BEGIN_AGAIN_MS = 2000;
/** Counts navigations, so that what answers late is not shown. */
let turn = 0;

/** @param {string} id */
function byId(id) {
  // All of them are in index.html.
  return /** @type {HTMLElement} */ (document.getElementById(id));
}

/** @param {string | undefined} type */
function machineOf(type) {
  return /** @type {Promise<Machine>} */ (ask(`/api/machine${type === undefined ? "" : `?type=${type}`}`));
}

async function start() {
  const machine = await machineOf(undefined);
  /** @type {Map<string, Machine>} */
  const machines = new Map([[machine.type.collection, machine]]);
  for (const { name, collection } of machine.types) {
    if (!machines.has(collection)) machines.set(collection, await machineOf(name));
  }
  showTypes(machines);
  let following = machine;
  let stop = follow(machine.type.name, onPulse, onSilence);

  async function route() {
    const mine = ++turn;
    const { hash } = location;
    const { collection, id, query } = readAddress();
    const wanted = machines.get(collection) ?? machines.get(query.get("of") ?? "") ?? machine;
    if (wanted !== following) {
      stop();
      latest = undefined;
      following = wanted;
      stop = follow(wanted.type.name, onPulse, onSilence);
    }
    showNavigation(wanted, collection);
    const open = () => choose(wanted, collection, id, query);
    const next = await open().catch((error) => showProblem(error, () => void again(mine, hash, open)));
    if (mine === turn) show(next, hash);
    else next.close?.();
  }

  /**
   * A page that failed is tried again with each pulse; until it is there, what was said stays.
   *
   * @param {number} mine
   * @param {string} hash
   * @param {() => Promise<View>} open
   */
  async function again(mine, hash, open) {
    const next = await open().catch(() => undefined);
    if (next === undefined) return;
    if (mine === turn && view?.title === NOT_HERE) show(next, hash);
    else next.close?.();
  }

  window.addEventListener("hashchange", () => void route());
  await route();
}

/** @returns {{ collection: string, id: string, query: URLSearchParams }} */
function readAddress() {
  const [path = "", query = ""] = location.hash.replace(/^#\/?/, "").split("?");
  const [collection = "", ...rest] = path.split("/");
  return { collection, id: decode(rest.join("/")), query: new URLSearchParams(query) };
}

/** @param {string} text */
function decode(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/**
 * @param {Machine} machine
 * @param {string} collection
 * @param {string} id
 * @param {URLSearchParams} query
 * @returns {Promise<View>}
 */
async function choose(machine, collection, id, query) {
  const place = { machine, id, query, latest };
  if (collection === machine.type.collection) return id === "" ? showActors(place) : showActor(place);
  if (collection === "dead-letters") return showDeadLetters(place);
  if (collection === "machine") return showMachine(place);
  if (collection === "daemons") return showDaemons(place);
  return showOverview(place);
}

/**
 * @param {View} next
 * @param {string} hash the address that named it
 */
function show(next, hash) {
  const isFirst = view === undefined;
  view?.close?.();
  view = next;
  fill(main, next.element);
  main.dataset.at = hash;
  document.title = `${next.title} · natstate`;
  if (latest !== undefined) next.onPulse?.(latest);
  if (isFirst) return;
  // Who listens hears where they are, and the Tab key goes on from there.
  main.querySelector("h1")?.focus({ preventScroll: true });
  window.scrollTo(0, 0);
}

/**
 * Where there are several actor types: a choice of which one is looked at, in the same view.
 *
 * @param {ReadonlyMap<string, Machine>} machines
 */
function showTypes(machines) {
  const types = byId("types");
  types.hidden = machines.size < 2;
  if (types.hidden) return;
  const options = [...machines.values()].map(({ type }) => /** @type {const} */ ([type.collection, words(type.name)]));
  const change = () => {
    const { collection } = readAddress();
    const wanted = /** @type {Machine} */ (machines.get(chosen.value));
    location.hash = machines.has(collection) ? address(chosen.value) : addressOfView(wanted, collection);
  };
  const chosen = choice({ "aria-label": "Actor type", change }, options, "");
  fill(types, chosen);
}

/**
 * @param {Machine} machine
 * @param {string} at the view that is shown
 */
function showNavigation(machine, at) {
  const { collection } = machine.type;
  const views = /** @type {const} */ ([
    ["", "Overview", addressOfView(machine, "")],
    [collection, words(collection), address(collection)],
    ["dead-letters", "Dead letters", addressOfView(machine, "dead-letters")],
    ["machine", "Machine", addressOfView(machine, "machine")],
    ["daemons", "Daemons", addressOfView(machine, "daemons")],
  ]);
  const nav = byId("nav");
  // Links stay what they are, so that the one with the focus keeps it.
  if (nav.children.length === 0)
    fill(
      nav,
      views.map(() => h("a")),
    );
  for (const [index, [view, text, href]] of views.entries()) {
    const link = /** @type {Element} */ (nav.children[index]);
    write(link, text);
    link.setAttribute("href", href);
    if (view === at) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  const chosen = byId("types").querySelector("select");
  if (chosen !== null) chosen.value = collection;
}

/** @param {Pulse} pulse */
function onPulse(pulse) {
  latest = pulse;
  const troubles = Object.entries(pulse.health.checks).filter(([, check]) => !check.ok);
  status.dataset.state = troubles.length === 0 ? "live" : "trouble";
  status.title = troubles.map(([name, { detail }]) => `${name}: ${detail}`).join("\n");
  const well = "catchingUp" in pulse.stats ? "catching up: of the past" : "live";
  const how = troubles.length === 0 ? well : `trouble: ${troubles.map(([name]) => name).join(", ")}`;
  const missing = pulse.missing?.length ?? 0;
  write(byId("status-text"), missing === 0 ? how : `${how}, without ${missing} partitions nobody answers for`);
  view?.onPulse?.(pulse);
}

function onSilence() {
  status.dataset.state = "silent";
  // What is shown stays, and must not pass for what is now.
  write(byId("status-text"), latest === undefined ? "no answer" : `no answer; all of ${clock(latest.at)}`);
}

/**
 * @param {Error} error
 * @param {() => void} again
 * @returns {View}
 */
function showProblem(error, again) {
  const element = h("div.stack", h("h1", { tabindex: -1 }, NOT_HERE), h("p.problem", error.message));
  return { element, title: NOT_HERE, onPulse: again };
}

function begin() {
  start().catch((error) => {
    show(
      showProblem(error, () => {}),
      location.hash,
    );
    // Nothing is followed yet that would say when the daemon is back.
    setTimeout(begin, BEGIN_AGAIN_MS);
  });
}

setUpTheme(byId("theme"));
begin();
