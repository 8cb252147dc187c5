import { mkdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { parseArgs } from "node:util";
import type { Page } from "playwright-core";
import type { ActorSteps, ActorSummary } from "../../src/answers/queries.ts";
import type { DaemonProcess } from "../e2e/daemon-process.ts";
import { getJson, openWorld } from "../e2e/world.ts";
import { findChromium, launchBrowser, NO_CHROMIUM, openPage } from "./browser.ts";
import { openShop, startTraffic } from "./shop.ts";

/*
 * npm run screenshots [-- --seconds N]: makes the README's pictures of the console, docs/overview.png, docs/order.png and
 * docs/phone.png, of a daemon under traffic. The plots show five minutes, so it takes that long by default.
 */

const DOCS = join(import.meta.dirname, "../../docs");
const EVENTS_PER_SECOND = 140;
const MAX_BYTES = 300_000;

const { values } = parseArgs({ options: { seconds: { type: "string", default: "300" } } });
const chromium = findChromium();
if (chromium === undefined) throw new Error(NO_CHROMIUM);

await using world = await openWorld();
const daemon = await world.start();
await using browser = await launchBrowser(chromium);
const { page, troubles } = await openPage(browser, daemon.httpUrl, {
  viewport: { width: 1280, height: 1010 },
  deviceScaleFactor: 1.3,
  colorScheme: "light",
});
{
  await using _traffic = startTraffic(world.session.nc, openShop(11), EVENTS_PER_SECOND, 120);
  await page.goto("/#/");
  await delay(Number(values.seconds) * 1000);
  await mkdir(DOCS, { recursive: true });
  await take(page, "overview.png");
}
await world.settle(daemon);
const address = `/#/orders/${await findStory(daemon)}`;
await page.goto(address);
await page.waitForSelector(".next tbody tr");
await take(page, "order.png");
const phone = await openPage(browser, daemon.httpUrl, {
  viewport: { width: 390, height: 844 },
  deviceScaleFactor: 2,
  colorScheme: "dark",
});
await phone.page.goto(address);
await phone.page.waitForSelector(".next tbody tr");
await phone.page.locator(".card", { hasText: "Two clocks" }).evaluate((card) => card.scrollIntoView());
await phone.page.mouse.wheel(0, -110);
await delay(500);
await take(phone.page, "phone.png");
const problems = [...troubles, ...phone.troubles];
if (problems.length > 0) throw new Error(problems.join("\n"));

async function take(page: Page, name: string): Promise<void> {
  const path = join(DOCS, name);
  // Links are underlined and nothing is hovered: the mouse stays out.
  await page.mouse.move(0, 0);
  await page.screenshot({ path, animations: "disabled" });
  const { size } = await stat(path);
  console.log(`${path}  ${Math.round(size / 1000)} kB`);
  if (size > MAX_BYTES) throw new Error(`${name} has ${size} bytes, more than ${MAX_BYTES}`);
}

/** A moment worth a picture: the event that turned a decision round, in an order whose events came out of order. */
async function findStory(daemon: DaemonProcess): Promise<string> {
  let best = { address: "", points: -1 };
  let cursor = "";
  for (let pages = 0; pages < 20; pages++) {
    const page = await getJson(daemon, `/api/orders?limit=200&state=confirmed&completeness=100${cursor}`);
    for (const { orderId, revision } of page.orders as (ActorSummary & { orderId: string })[]) {
      if (revision < 3) continue;
      const { steps } = (await getJson(daemon, `/api/orders/${orderId}/steps`)) as ActorSteps;
      const turn = steps.findLastIndex(
        ({ state, decisions }, at) => decisions.length > 0 && state !== steps[at - 1]?.state,
      );
      const superseded = steps.some(({ event }) => event.outcome === "superseded");
      const repeated = steps.some(({ event }) => event.duplicates > 0);
      const points = revision + Number(turn > 1) * 4 + Number(superseded) * 3 + Number(repeated) * 2;
      if (points > best.points && steps.length < 9) best = { address: `${orderId}?step=${turn + 1}`, points };
    }
    if (page.nextCursor === null) break;
    cursor = `&cursor=${page.nextCursor}`;
  }
  return best.address;
}
