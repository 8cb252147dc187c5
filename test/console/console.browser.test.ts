import type { Browser, BrowserContextOptions, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { DaemonProcess } from "../e2e/daemon-process.ts";
import { getJson, openWorld, type World } from "../e2e/world.ts";
import { until } from "../until.ts";
import { findChromium, launchBrowser, NO_CHROMIUM, openPage, type WatchedPage } from "./browser.ts";
import { findFaintTexts, hasFocus, measureOverhang, readLayoutShift, watchLayoutShift } from "./in-page.js";
import { openShop, startTraffic } from "./shop.ts";

const chromium = findChromium();
const PHONE = { viewport: { width: 390, height: 844 } };
const LAPTOP = { viewport: { width: 1280, height: 800 } };

const HOSTILE = {
  html: '<img src=x onerror="alert(1)"><script>alert(2)</script>',
  long: "W".repeat(256),
  rightToLeft: "\u202eevil\u202c مرحبا <b>",
};

let world: World;
let daemon: DaemonProcess;
let browser: Browser;
let opened: WatchedPage[] = [];

beforeAll(async () => {
  if (chromium === undefined) return;
  [world, browser] = await Promise.all([openWorld(), launchBrowser(chromium)]);
  daemon = await world.start({ NATSTATE_LOG_LEVEL: "error" });
});

beforeEach((context) => {
  if (chromium === undefined) context.skip(NO_CHROMIUM);
});

afterEach(async () => {
  const troubles = opened.flatMap((watched) => watched.troubles);
  await Promise.all(opened.map(({ page }) => page.context().close()));
  opened = [];
  expect(troubles, "console errors, dialogs, requests elsewhere").toEqual([]);
});

afterAll(async () => {
  await browser?.close();
  await world?.[Symbol.asyncDispose]();
});

async function visit(hash: string, options?: BrowserContextOptions): Promise<Page> {
  const watched = await openPage(browser, daemon.httpUrl, options);
  opened.push(watched);
  await go(watched.page, hash);
  return watched.page;
}

/** Resolves when the view that the address names is shown. */
async function go(page: Page, hash: string): Promise<void> {
  await page.goto(`/${hash}`);
  await page.waitForSelector(`main[data-at="${hash}"] h1`, { state: "attached" });
}

async function send(
  orderId: string,
  eventType: string,
  second: number,
  fields: object,
  eventId = `${eventType}-${second}`,
) {
  const timestamp = new Date(Date.parse("2026-02-01T10:00:00Z") + second * 1000).toISOString();
  await sendRaw(
    `orders.${orderId}.${eventType}`,
    JSON.stringify({ orderId, eventType, eventId, timestamp, ...fields }),
  );
}

async function sendRaw(subject: string, body: string) {
  await world.session.js.publish(subject, body);
}

/** Publishes a few hundred orders at once and waits until they are decided. */
async function fillShop(seed: number, prefix: string, orders: number): Promise<void> {
  const shop = openShop(seed, prefix);
  const messages = Array.from({ length: orders }, () => shop.order(Date.now())).flat();
  await world.publish(messages);
  await world.settle(daemon);
}

/** A failed payment, a reservation, a payment that succeeds and is heard twice, and one that comes too late. */
async function tellStory(id: string): Promise<void> {
  await send(id, "PaymentProcessed", 5, { amount: 10, status: "failed" });
  await send(id, "InventoryReserved", 2, { reservedItems: { "sku-1": 1 }, warehouseId: "warehouse-west" });
  await send(id, "PaymentProcessed", 9, { amount: 10, status: "successful" });
  await send(id, "PaymentProcessed", 9, { amount: 10, status: "successful" });
  await send(id, "PaymentProcessed", 1, { amount: 10, status: "failed" });
  await world.settle(daemon);
}

/** The numbers in the drawing's states. */
async function drawnCounts(page: Page): Promise<Record<string, number>> {
  const nodes = await page
    .locator(".node[data-state]")
    .evaluateAll((found) =>
      found.map((node) => [node.getAttribute("data-state"), node.querySelector(".count")?.textContent ?? ""]),
    );
  return Object.fromEntries(nodes.map(([state, text]) => [state, Number(String(text).replaceAll(",", ""))]));
}

const firstColumn = (page: Page) => page.locator("tbody th").allTextContents();
const lit = (page: Page) => page.locator(".node.lit").getAttribute("data-state");

describe("the overview", () => {
  it("moves with the traffic, without shifting, and agrees with the API", async () => {
    const page = await visit("#/");
    await page.waitForSelector('.status[data-state="live"]');
    const before = await drawnCounts(page);
    {
      await using _traffic = startTraffic(world.session.nc, openShop(1, "flow-"), 400, 50);
      await until("counts move", async () => ((await drawnCounts(page)).confirmed ?? 0) > (before.confirmed ?? 0) + 20);
      await page.evaluate(watchLayoutShift);
      const events = page.locator('[data-tile="Events per second"] .value');
      await until("events are counted", async () => Number((await events.textContent())?.replace(",", "")) > 100);
      await until(
        "a flow is drawn",
        async () => Number(await page.locator('[data-edge="pending>processing"] .flow').textContent()) > 10,
      );
    }
    await world.settle(daemon);
    const { orders } = await getJson(daemon, "/api/stats");
    await until(
      "the drawing agrees",
      async () => JSON.stringify(await drawnCounts(page)) === JSON.stringify(orders.byState),
      5000,
    );
    expect(await page.evaluate(readLayoutShift)).toMatchObject({ sum: 0, what: [] });
    expect(await page.locator(".lateness tbody tr").first().locator("td").nth(1).textContent()).toMatch(/ s$|ms$/);
  });
});

describe("orders", () => {
  beforeAll(async () => {
    if (chromium !== undefined) await fillShop(2, "list-", 150);
  });

  it("are found by the beginning of their id, from the keyboard", async () => {
    const page = await visit("#/orders");
    await page.keyboard.press("/");
    await page.keyboard.type("list-10001");
    await until("one is left", async () => (await firstColumn(page)).length === 1);
    expect(await firstColumn(page)).toEqual(["list-10001"]);
    expect(new URL(page.url()).hash).toBe("#/orders?idPrefix=list-10001");
    await page.getByRole("button", { name: "Clear" }).click();
    await until("all are back", async () => (await firstColumn(page)).length === 50);
  });

  it("are filtered as the API says", async () => {
    const page = await visit("#/orders?idPrefix=list-");
    const wanted = { state: "payment_failed", decision: "none", completeness: "80", waitingFor: "PaymentProcessed" };
    for (const [name, value] of Object.entries(wanted)) {
      const { orders } = await getJson(daemon, `/api/orders?limit=50&idPrefix=list-&${name}=${value}`);
      expect(orders.length, name).toBeGreaterThan(0);
      const expected = JSON.stringify(orders.map(({ orderId }: { orderId: string }) => orderId));
      const select = page.locator(`select[name="${name}"]`);
      await select.selectOption(value);
      await until(`filtered by ${name}`, async () => JSON.stringify(await firstColumn(page)) === expected);
      await select.selectOption("");
    }
  });

  it("are paged there and back", async () => {
    const page = await visit("#/orders?idPrefix=list-");
    const first = await firstColumn(page);
    await page.getByRole("button", { name: "Next" }).click();
    await until("the second page", async () => (await firstColumn(page))[0] !== first[0]);
    const second = await firstColumn(page);
    expect(second.filter((id) => first.includes(id))).toEqual([]);
    await page.getByRole("button", { name: "Previous" }).click();
    await until("the first page", async () => JSON.stringify(await firstColumn(page)) === JSON.stringify(first));
  });
});

describe("one order", () => {
  it("is told step by step, there and back", async () => {
    await tellStory("travel-1");
    const page = await visit("#/orders/travel-1");
    expect(await lit(page)).toBe("confirmed");
    expect(await page.locator(".travel output").textContent()).toContain("superseded");
    const slider = page.getByRole("slider");
    await slider.focus();
    const told: (string | null)[] = [];
    for (let step = 4; step > 0; step--) {
      told.push(await lit(page));
      await page.keyboard.press("ArrowLeft");
    }
    expect(told).toEqual(["confirmed", "confirmed", "payment_failed", "payment_failed"]);
    expect(await lit(page)).toBe("pending");
    expect(await page.locator('[data-facet="paymentInfo"]').textContent()).toContain("not known yet");
    await page.getByRole("button", { name: "One event on" }).click();
    expect(await page.locator('[data-facet="paymentInfo"]').textContent()).toContain("failed");
    expect(await page.locator(".edge.lit").getAttribute("data-edge")).toBe("pending>payment_failed");
    expect(new URL(page.url()).hash).toBe("#/orders/travel-1?step=1");
    await until("what may come next", async () =>
      (await page.locator(".next tbody").textContent())?.includes("OrderRejected"),
    );
  });

  it("shows both clocks, what each event changed, duplicates, decisions with their causes, and commands", async () => {
    await tellStory("travel-2");
    const page = await visit("#/orders/travel-2?step=3");
    const arrivals = page.locator(".clocks ol").first().locator(".place");
    const happenings = page.locator(".clocks ol").last().locator(".place");
    expect(await arrivals.allTextContents()).toEqual(["1", "2", "3", "4"]);
    expect(await happenings.allTextContents()).toEqual(["4", "2", "1", "3"]);
    expect(await page.locator(".clocks .tick").nth(2).textContent()).toContain("heard 2×");
    const did = page.locator(".card", { hasText: "What this event did" });
    expect(await did.textContent()).toMatch(/paymentInfo\.status\s*failed → successful/);
    expect(await did.textContent()).toContain("Heard 2 times");
    const decisions = page.locator(".decisions tbody tr");
    expect(await decisions.allTextContents()).toEqual([
      expect.stringMatching(/^2OrderConfirmed.*event 3, Payment processedreplaces 1/),
      expect.stringMatching(/^1OrderRejected.*event 2, Inventory reserved/),
    ]);
    expect(await page.locator(".command").allTextContents()).toContain("npx natstate history travel-2Copy");
    await page.getByText("Raw JSON, now").click();
    expect(JSON.parse((await page.locator("details pre").last().textContent()) ?? "")).toEqual(
      await getJson(daemon, "/api/orders/travel-2"),
    );
  });

  it("goes on with what arrives while it is looked at", async () => {
    await send("travel-3", "OrderCreated", 1, { customerId: "c", totalAmount: 1, currency: "EUR" });
    await world.settle(daemon);
    const page = await visit("#/orders/travel-3");
    expect(await lit(page)).toBe("processing");
    await send("travel-3", "PaymentProcessed", 2, { amount: 1, status: "failed" });
    await until("the new state is lit", async () => (await lit(page)) === "payment_failed");
  });
});

describe("dead letters", () => {
  it("are shown with their bytes, and redriven with the outcome told", async () => {
    await sendRaw("orders.dead-1.OrderCreated", '{"orderId":"dead-1", oops');
    await world.settle(daemon);
    const page = await visit("#/dead-letters?reason=malformed_json");
    const row = page.locator("tbody tr", { hasText: "dead-1" }).first();
    await row.getByRole("button").click();
    await page.waitForSelector(".bytes");
    expect(await page.locator(".bytes").first().textContent()).toBe('{"orderId":"dead-1", oops');
    await row.getByRole("checkbox").check();
    expect(await page.locator(".command code").textContent()).toMatch(/^npx natstate dead-letters redrive \d+$/);
    const before = await world.streamSize("ORDERS");
    await page.getByRole("button", { name: "Redrive 1" }).click();
    await until("the outcome is told", async () =>
      (await row.locator(".outcome").textContent())?.startsWith("Sent again: now"),
    );
    expect(await world.streamSize("ORDERS")).toBe(before + 1);
    await world.settle(daemon);
    await page.getByRole("button", { name: "Refresh" }).click();
    await until("it is dead again", async () => (await page.locator("tbody tr", { hasText: "dead-1" }).count()) === 2);
  });

  it("are not redriven for a page from elsewhere, or without the page's token", async () => {
    const before = await world.streamSize("ORDERS");
    const { deadLetters } = await getJson(daemon, "/api/dead-letters");
    const html = await (await fetch(`${daemon.httpUrl}/`)).text();
    const token = /natstate-token" content="([\w-]+)"/.exec(html)?.[1] ?? "";
    const body = JSON.stringify({ sequences: [deadLetters[0].sequence] });
    const post = (headers: Record<string, string>) =>
      fetch(`${daemon.httpUrl}/api/dead-letters/redrive`, { method: "POST", headers, body });
    const json = { "content-type": "application/json" };
    expect((await post(json)).status).toBe(403);
    expect((await post({ ...json, "x-natstate-token": token, origin: "http://evil.example" })).status).toBe(403);
    expect((await post({ "x-natstate-token": token, "content-type": "text/plain" })).status).toBe(403);
    expect(await world.streamSize("ORDERS")).toBe(before);
    expect((await post({ ...json, "x-natstate-token": token })).status).toBe(200);
  });
});

describe("for everybody", () => {
  const hashes = ["#/", "#/orders", "#/orders/everybody-1", "#/dead-letters"];

  beforeAll(async () => {
    if (chromium !== undefined) await tellStory("everybody-1");
  });

  it.each([LAPTOP, PHONE])("every text has contrast, light and dark, and nothing hangs over (%j)", async (size) => {
    const page = await visit("#/", size);
    for (const hash of hashes) {
      await go(page, hash);
      await page.waitForSelector('.status[data-state="live"]');
      expect(await page.evaluate(measureOverhang), hash).toBe(0);
      for (const colorScheme of ["light", "dark"] as const) {
        await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
        expect(await page.evaluate(findFaintTexts), `${hash}, ${colorScheme}`).toEqual([]);
      }
    }
    // The check itself must be able to fail.
    await page.evaluate("document.documentElement.style.setProperty('--muted', '#777')");
    expect(await page.evaluate(findFaintTexts)).not.toEqual([]);
  });

  it("the theme is the system's until another is chosen, and the choice is kept", async () => {
    const page = await visit("#/", { colorScheme: "dark" });
    const background = () => page.evaluate("getComputedStyle(document.documentElement).backgroundColor");
    const dark = await background();
    await page.locator("#theme").click();
    expect(await page.locator("#theme").getAttribute("aria-label")).toBe("Theme: light");
    const light = await background();
    expect(light).not.toBe(dark);
    await page.reload();
    await page.waitForSelector("main h1", { state: "attached" });
    expect(await background()).toBe(light);
    await page.locator("#theme").click();
    expect(await background()).toBe(dark);
  });

  it("everything is reached from the keyboard alone", async () => {
    await sendRaw("orders.dead-2.OrderCreated", "{");
    await world.settle(daemon);
    const page = await visit("#/");
    await page.waitForSelector('.status[data-state="live"]');
    await tabTo(page, ".skip");
    await tabTo(page, '[data-state="confirmed"]');
    await page.keyboard.press("Enter");
    await page.waitForSelector("tbody tr");
    expect(new URL(page.url()).hash).toBe("#/orders?state=confirmed");
    await tabTo(page, "tbody a");
    await page.keyboard.press("Enter");
    await page.waitForSelector(".travel");
    await tabTo(page, 'input[type="range"]');
    const last = await page.getByRole("slider").inputValue();
    await page.keyboard.press("ArrowLeft");
    expect(Number(await page.getByRole("slider").inputValue())).toBe(Number(last) - 1);
    await page.locator("#nav a").last().focus();
    await page.keyboard.press("Enter");
    await page.waitForSelector(".letters tbody tr");
    await tabTo(page, "tbody input");
    await page.keyboard.press("Space");
    await page.locator("button.primary").focus();
    await page.keyboard.press("Enter");
    await until("the outcome is told", async () => (await page.locator(".outcome").first().textContent()) !== "");
  });
});

describe("hostile data", () => {
  beforeAll(async () => {
    if (chromium === undefined) return;
    const { html, long, rightToLeft } = HOSTILE;
    await send("hostile-1", "OrderCreated", 1, { customerId: html, totalAmount: 1, currency: "EUR" }, html);
    await send("hostile-1", "PaymentProcessed", 2, {
      amount: 1,
      status: "successful",
      method: rightToLeft,
      transactionId: long,
    });
    await send("hostile-1", "InventoryReserved", 3, { reservedItems: { [html]: 1, [long]: 2 }, warehouseId: html });
    await send("H".repeat(128), "PaymentProcessed", 1, { amount: 1, status: "failed" });
    await sendRaw("orders.hostile-1.OrderCreated", `{${html}${"x".repeat(20_000)}`);
    await sendRaw(`orders.hostile-1.${html.replace(/[\s.>*]/g, "")}`, JSON.stringify({ eventType: html }));
    await world.settle(daemon);
  });

  it.each([LAPTOP, PHONE])("is text, and stays within the page (%j)", async (size) => {
    const page = await visit("#/orders/hostile-1", size);
    const text = (await page.locator("main").textContent()) ?? "";
    for (const value of Object.values(HOSTILE)) expect(text).toContain(value);
    expect(await page.locator("main img, main script, main b").count()).toBe(0);
    expect(await page.evaluate(measureOverhang)).toBe(0);
    for (const hash of [`#/orders/${"H".repeat(128)}`, "#/orders?idPrefix=H", "#/dead-letters"]) {
      await go(page, hash);
      expect(await page.evaluate(measureOverhang), hash).toBe(0);
    }
    await page.waitForSelector(".letters tbody tr");
    for (const button of await page.locator("tbody tr", { hasText: "hostile-1" }).getByRole("button").all())
      await button.click();
    await page.waitForSelector(".bytes");
    expect(await page.locator("main img, main script").count()).toBe(0);
    expect(await page.evaluate(measureOverhang)).toBe(0);
  });

  it("in the address leads nowhere, quietly", async () => {
    const page = await visit("#/");
    await go(page, `#/nowhere/${encodeURIComponent(HOSTILE.html)}?state=${encodeURIComponent(HOSTILE.html)}`);
    expect(await page.locator("main img, main script").count()).toBe(0);
  });
});

/** Presses Tab until an element that matches has the focus. */
async function tabTo(page: Page, selector: string, most = 60): Promise<void> {
  for (let presses = 0; presses < most; presses++) {
    await page.keyboard.press("Tab");
    if (await page.evaluate(hasFocus, selector)) return;
  }
  throw new Error(`${most} presses of Tab did not reach ${selector}`);
}
