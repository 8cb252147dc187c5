import { setTimeout as delay } from "node:timers/promises";
import { parseArgs } from "node:util";
import type { Browser, Page } from "playwright-core";
import { cpuMicroseconds } from "../bench/cpu.ts";
import type { DaemonProcess } from "../e2e/daemon-process.ts";
import { getJson, openWorld } from "../e2e/world.ts";
import { findChromium, launchBrowser, NO_CHROMIUM, openPage } from "./browser.ts";
import { fillStore } from "./filled-store.ts";
import { timeInteraction } from "./in-page.js";
import { openShop, startTraffic } from "./shop.ts";
import { openCatching, type Throughput } from "./throughput.ts";

const HELP = `npm run bench:console -- [options]

What the console costs, and how quick it is: a real page on a daemon with many orders in its store.

  --orders N   in the store (default 200000)
  --rate N     events a second arriving meanwhile (default 1000)
  --times N    how often each interaction is made (default 7)
  --rounds N   how often the catching up is measured with and without a page (default 5; 0 leaves it out)`;

const { values } = parseArgs({
  options: {
    orders: { type: "string", default: "200000" },
    rate: { type: "string", default: "1000" },
    times: { type: "string", default: "7" },
    rounds: { type: "string", default: "5" },
    help: { type: "boolean", default: false },
  },
});

/** What is done on the page: `act` on the element `on`, until a new `done` is there. */
const INTERACTIONS = [
  { name: "open the list", at: "#/", act: "click", on: '#nav a[href="#/orders"]', done: "tbody tr" },
  { name: "search by id", at: "#/orders", act: "value=old-1500", on: "input[type=search]", done: "tbody tr" },
  { name: "filter by state", at: "#/orders", act: "value=payment_failed", on: "select[name=state]", done: "tbody tr" },
  {
    name: "filter by decision",
    at: "#/orders",
    act: "value=OrderRejected",
    on: "select[name=decision]",
    done: "tbody tr",
  },
  { name: "filter by share known", at: "#/orders", act: "value=40", on: "select[name=completeness]", done: "tbody tr" },
  {
    name: "waiting for payment",
    at: "#/orders",
    act: "value=PaymentProcessed",
    on: "select[name=waitingFor]",
    done: "tbody tr",
  },
  { name: "silent for an hour", at: "#/orders", act: "value=1 h", on: "select[name=silent]", done: "tbody tr" },
  { name: "next page", at: "#/orders", act: "click", on: ".pager button:nth-of-type(2)", done: "tbody tr" },
  { name: "open an order", at: "#/orders?idPrefix=old-1500", act: "click", on: "tbody a", done: ".travel" },
  {
    name: "one event back",
    at: "#/orders/old-15000",
    act: "click",
    on: ".travel button",
    done: ".travel output strong",
  },
  { name: "open the dead letters", at: "#/", act: "click", on: '#nav a[href="#/dead-letters"]', done: ".letters" },
  { name: "open the overview", at: "#/orders", act: "click", on: '#nav a[href="#/"]', done: ".tiles" },
];

const LIVE_MS = 6000;
const LIVE_ROUNDS = 3;

if (values.help) console.log(HELP);
else await run();

async function run(): Promise<void> {
  const chromium = findChromium();
  if (chromium === undefined) throw new Error(NO_CHROMIUM);
  await using browser = await launchBrowser(chromium);
  await measureLive(browser, Number(values.orders), Number(values.rate), Number(values.times));
  if (Number(values.rounds) > 0) await measureCatching(Number(values.rounds));
}

async function measureLive(browser: Browser, orders: number, rate: number, times: number): Promise<void> {
  await using world = await openWorld();
  const startedMs = performance.now();
  const events = fillStore(world.dataDir, orders);
  const seconds = (performance.now() - startedMs) / 1000;
  console.log(
    `store: ${orders} orders, ${events} events, filled in ${seconds.toFixed(0)} s (${Math.round(events / seconds)}/s)`,
  );
  const daemon = await world.start({ NATSTATE_LOG_LEVEL: "error" });
  await using _traffic = startTraffic(world.session.nc, openShop(9, "new-"), rate);
  await delay(5000);

  const { page, troubles } = await openPage(browser, daemon.httpUrl);
  const loads = { "without a page": [] as Load[], "with the overview open": [] as Load[] };
  for (let round = 0; round < LIVE_ROUNDS; round++) {
    await page.goto("about:blank");
    loads["without a page"].push(await measureLoad(daemon));
    await page.goto(`${daemon.httpUrl}/#/`);
    await page.waitForSelector('.status[data-state="live"]');
    loads["with the overview open"].push(await measureLoad(daemon));
  }
  for (const [how, measured] of Object.entries(loads)) {
    const [events, cpu] = [
      mean(measured.map((one) => one.eventsPerSecond)),
      mean(measured.map((one) => one.cpuPercent)),
    ];
    console.log(`arriving, ${how}: ${Math.round(events)} events/s at ${cpu.toFixed(1)} % of a core`);
  }
  console.log(`\n${"interaction".padEnd(24)}median ms   max ms`);
  for (const interaction of INTERACTIONS) {
    const taken = await timeAll(page, interaction, times);
    const [median, most] = [taken[Math.floor(taken.length / 2)] ?? 0, taken.at(-1) ?? 0];
    console.log(`${interaction.name.padEnd(24)}${median.toFixed(0).padStart(9)}${most.toFixed(0).padStart(9)}`);
  }
  if (troubles.length > 0) console.log(`troubles: ${troubles.join("; ")}`);
}

/** @returns each time in ms, rising. */
async function timeAll(page: Page, { at, ...wanted }: (typeof INTERACTIONS)[number], times: number): Promise<number[]> {
  const taken: number[] = [];
  for (let time = 0; time < times; time++) {
    // By way of another view, so that it is shown anew.
    await page.goto("/#/nowhere");
    await page.waitForSelector('main[data-at="#/nowhere"]');
    await page.goto(`/${at}`);
    await page.waitForSelector(`main[data-at="${at}"]`);
    await page.waitForSelector(wanted.on);
    taken.push(await page.evaluate(timeInteraction, wanted));
  }
  return taken.sort((a, b) => a - b);
}

interface Load {
  readonly eventsPerSecond: number;
  readonly cpuPercent: number;
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

async function measureLoad(daemon: DaemonProcess): Promise<Load> {
  const total = async () => {
    const { events } = await getJson(daemon, "/api/stats");
    return events.applied + events.superseded + events.duplicate;
  };
  const [eventsBefore, cpuBefore, startMs] = [await total(), cpuMicroseconds(daemon.pid), performance.now()];
  await delay(LIVE_MS);
  const seconds = (performance.now() - startMs) / 1000;
  const cpuPercent = (cpuMicroseconds(daemon.pid) - cpuBefore) / seconds / 10_000;
  return { eventsPerSecond: ((await total()) - eventsBefore) / seconds, cpuPercent };
}

async function measureCatching(rounds: number): Promise<void> {
  await using catching = await openCatching(40_000);
  const listen = async ({ httpUrl }: DaemonProcess) => {
    const ending = new AbortController();
    const { body } = await fetch(`${httpUrl}/api/live`, { signal: ending.signal });
    void (async () => {
      for await (const _chunk of body ?? []);
    })().catch(() => {});
    return async () => ending.abort();
  };
  console.log(
    "\ncatching up with 200,000 stored events, by turns of a second without and with what an open page listens to",
  );
  const costs: number[] = [];
  for (let round = 0; round < rounds; round++) {
    const { unwatched, watched } = await catching.run(listen);
    costs.push((1 - watched.eventsPerSecond / unwatched.eventsPerSecond) * 100);
    const tell = ({ eventsPerSecond, cpuUsPerEvent }: Throughput) =>
      `${Math.round(eventsPerSecond)} events/s, ${cpuUsPerEvent.toFixed(1)} us of CPU each`;
    console.log(`without: ${tell(unwatched)}; with: ${tell(watched)}; costs ${costs.at(-1)?.toFixed(1)} %`);
  }
  console.log(`on average ${mean(costs).toFixed(1)} %`);
}
