import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Browser, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from "vitest";
import { assign, createMachine } from "xstate";
import type { ActorType } from "../../src/actor/actor-type.ts";
import { graphOf } from "../../src/charts/graph.ts";
import { layoutMachine } from "../../src/charts/layout.ts";
import { readConfig } from "../../src/config/config.ts";
import { type Daemon, openDaemon } from "../../src/daemon/daemon.ts";
import { openSession, type Session } from "../../src/jetstream/session.ts";
import { createQueryClient } from "../../src/members/query-client.ts";
import { createLogger } from "../../src/ops/log.ts";
import { thingType } from "../flow/things.ts";
import { startTestServer, type TestServer } from "../server.ts";
import { until } from "../until.ts";
import { findChromium, launchBrowser, NO_CHROMIUM, openPage, type WatchedPage } from "./browser.ts";
import { go } from "./console-in-browser.ts";
import { findFaintTexts } from "./in-page.js";

const failOnTwo = assign(({ event }) => {
  if (event.data?.n === 2) throw new Error("two");
  return {};
});

const machine = createMachine({
  id: "thing",
  initial: "draft",
  states: {
    draft: { on: { Counted: { target: "open", actions: failOnTwo } }, after: { [9 * 86_400_000]: "done" } },
    open: {
      type: "parallel",
      on: { Closed: "done" },
      states: {
        money: { initial: "unpaid", states: { unpaid: { on: { Spoiled: "paid" } }, paid: {} } },
        goods: { initial: "ordered", states: { ordered: {} } },
      },
    },
    done: { type: "final" },
  },
});
const type: ActorType = {
  ...thingType(),
  ordering: "event-time",
  machine,
  states: ["draft", "open.money.unpaid", "open.money.paid", "open.goods.ordered", "done"],
};
const dataDir = mkdtempSync(join(tmpdir(), "natstate-nested-"));
const chromium = findChromium();

let server: TestServer;
let session: Session;
let daemon: Daemon;
let browser: Browser;
let watched: WatchedPage | undefined;

beforeAll(async () => {
  if (chromium === undefined) return;
  server = await startTestServer();
  const env = { NATS_URL: server.url, NATSTATE_DATA: dataDir, NATSTATE_HTTP: "127.0.0.1:0", NATSTATE_PARTITIONS: "2" };
  daemon = await openDaemon({
    config: readConfig(env),
    env,
    types: [type],
    logger: createLogger({ level: "silent", pretty: false }),
    onFatal(error) {
      throw error;
    },
  });
  session = await openSession({ url: server.url, name: "test" }, () => {});
  browser = await launchBrowser(chromium);
  const told = { drafted: ["Spoiled"], opened: ["Counted"], paid: ["Counted", "Spoiled"], done: ["Counted", "Closed"] };
  // The delay has to end after the test.
  const startMs = Date.now() - 60_000;
  for (const [thingId, eventTypes] of Object.entries(told)) {
    for (const [second, eventType] of eventTypes.entries()) {
      const event = {
        thingId,
        eventType,
        eventId: `${second}`,
        timestamp: new Date(startMs + second * 1000).toISOString(),
        n: 1,
      };
      await session.js.publish(`things.${thingId}.${eventType}`, JSON.stringify(event));
    }
  }
  await until(
    "all is heard",
    async () => (await stats()).things.total === 4 && (await stats()).things.byState.done === 1,
  );
});

afterAll(async () => {
  await browser?.close();
  await session?.close();
  await daemon?.stop();
  await server?.stop();
  rmSync(dataDir, { recursive: true, force: true });
});

beforeEach((context) => {
  if (chromium === undefined) context.skip(NO_CHROMIUM);
});

afterEach(async () => {
  await watched?.page.context().close();
  expect(watched?.troubles ?? []).toEqual([]);
  watched = undefined;
});

async function visit(hash: string): Promise<Page> {
  watched = await openPage(browser, daemon.httpUrl ?? "");
  await go(watched.page, hash);
  return watched.page;
}

// biome-ignore lint/suspicious/noExplicitAny: answers are compared field by field
async function ask(path: string): Promise<any> {
  return (await fetch(`${daemon.httpUrl}${path}`)).json();
}

const stats = () => ask("/api/stats");
const numberIn = (page: Page, state: string) =>
  page.locator(`.node[data-state="${state}"]`).locator(".count, .number").textContent();
const idsIn = (page: Page) => page.locator("tbody th").allTextContents();

it("states within states are counted by path, and a click on one lists all in it", async () => {
  const page = await visit("#/");
  const counted = {
    draft: "1",
    open: "2",
    "open.money": "2",
    "open.money.unpaid": "1",
    "open.money.paid": "1",
    done: "1",
  };
  for (const [state, count] of Object.entries(counted)) {
    await until(state, async () => (await numberIn(page, state)) === count);
  }
  await page.locator('.node[data-state="open.money.paid"]').click();
  await until("the innermost", async () => (await idsIn(page)).join() === "paid");
  await go(page, "#/");
  await page.locator('.node[data-state="open"] .heading').click();
  await until("all in it", async () => (await idsIn(page)).sort().join() === "opened,paid");
  expect(page.url()).toMatch(/#\/things\?state=open$/);
  expect(await page.locator("select[name=state]").inputValue()).toBe("open");
  expect(await page.locator("tbody tr", { hasText: "opened" }).textContent()).toContain(
    "open.money.unpaid · open.goods.ordered",
  );
});

it("the same over HTTP and NATS", async () => {
  expect((await ask("/api/things?state=open.goods")).things).toHaveLength(2);
  expect((await ask("/api/things?state=open.nowhere")).error.message).toMatch(/state: "open.nowhere" is not one of/);
  const { actors } = await createQueryClient(session).list(type, { state: "open.money.paid" }, 10);
  expect(actors).toMatchObject([{ thingId: "paid", processingStatus: "open.money.paid · open.goods.ordered" }]);
  expect((await stats()).things).toMatchObject({ total: 4, byPath: { open: 2, "open.goods": 2 } });
});

it("where one actor is shows on every level, and hides nothing that is inside", async () => {
  const page = await visit("#/things/paid");
  const litStates = () =>
    page
      .locator(".node.lit")
      .evaluateAll((nodes) => nodes.map((node) => String(node.getAttribute("data-state"))).sort());
  await until("it is lit", async () => (await litStates()).length === 5);
  expect(await litStates()).toEqual(["open", "open.goods", "open.goods.ordered", "open.money", "open.money.paid"]);
  expect(
    await page.locator(".edge.lit").evaluateAll((edges) => edges.map((edge) => edge.getAttribute("data-edge"))),
  ).toEqual(["open.money.unpaid>open.money.paid"]);
  expect(await page.locator('[aria-label="Quarantine"]').isVisible()).toBe(false);
  // What is drawn later lies above: states with states in them, edges, states without.
  const layers = await page
    .locator(".chart > .node, .chart > .edge[data-edge*='.']")
    .evaluateAll((drawn) => drawn.map((one) => (one.matches(".group") ? 0 : one.matches(".edge") ? 1 : 2)));
  expect(layers).toEqual(layers.toSorted());
  expect(new Set(layers).size).toBe(3);
  expect(await page.evaluate(findFaintTexts)).toEqual([]);
});

it("a delay says how long it is, how many wait for it and when the next is due", async () => {
  const page = await visit("#/");
  const waiting = () => page.locator('.edge.delay[data-edge="draft>done"] text').allTextContents();
  await until("it is told", async () => (await waiting()).join() === "after 9 d,,1 waits, next in 9.0 d");
});

it("a state that is called as what every object has waits for no time that nobody knows", async () => {
  const page = await visit("#/");
  const states = { toString: { after: { 1000: "done" } }, done: {} };
  const layout = layoutMachine(graphOf(createMachine({ initial: "toString", states })));
  // As text: what is imported is the page's own.
  const chart = await page.evaluate(`import("/console/statechart.js").then(({ createStatechart }) => {
    const { element, showCounts } = createStatechart(${JSON.stringify(layout)}, { label: "" });
    showCounts({ total: 1, byState: { toString: 1 } }, {});
    return element.textContent;
  })`);
  expect(chart).toContain("1 waits");
  expect(chart).not.toContain("next");
});

it("who is in quarantine is counted, with a link to who they are", async () => {
  const page = await visit("#/");
  const link = page.locator('[data-tile="Dead letters"] a');
  expect(await link.isVisible()).toBe(false);
  const fact = { thingId: "stuck", eventType: "Counted", eventId: "0", timestamp: new Date().toISOString(), n: 2 };
  await session.js.publish("things.stuck.Counted", JSON.stringify(fact));
  await link.click();
  expect(page.url()).toMatch(/#\/things\?quarantined=true$/);
  await until("it alone", async () => (await idsIn(page)).join() === "stuck");
});
