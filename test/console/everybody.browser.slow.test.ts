import type { Page } from "playwright-core";
import { beforeAll, describe, expect, it } from "vitest";
import { until } from "../until.ts";
import { go, useConsoleInBrowser } from "./console-in-browser.ts";
import { findFaintTexts, hasFocus, measureOverhang } from "./in-page.js";

const PHONE = { viewport: { width: 390, height: 844 } };
const LAPTOP = { viewport: { width: 1280, height: 800 } };

const HOSTILE = {
  html: '<img src=x onerror="alert(1)"><script>alert(2)</script>',
  long: "W".repeat(256),
  rightToLeft: "\u202eevil\u202c مرحبا <b>",
};

const live = useConsoleInBrowser();

describe("for everybody", () => {
  const hashes = ["#/", "#/orders", "#/orders/everybody-1", "#/dead-letters", "#/machine"];

  beforeAll(async () => {
    if (live.isThere) await live.tellStory("everybody-1");
  });

  it.each([LAPTOP, PHONE])("every text has contrast, light and dark, and nothing hangs over (%j)", async (size) => {
    const page = await live.visit("#/", size);
    for (const hash of hashes) {
      await go(page, hash);
      await page.waitForSelector('.status[data-state="live"]');
      if (hash.includes("everybody")) {
        await page.getByRole("button", { name: "Inspect live" }).click();
        await page.waitForSelector(".inspected li");
      }
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
    const page = await live.visit("#/", { colorScheme: "dark" });
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
    await live.sendRaw("orders.dead-2.OrderCreated", "{");
    await live.world.settle(live.daemon);
    const page = await live.visit("#/");
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
    await page.getByRole("button", { name: "Inspect live" }).focus();
    await page.keyboard.press("Enter");
    await page.waitForSelector(".inspected li");
    await tabTo(page, ".inspected summary");
    await page.keyboard.press("Enter");
    expect(await page.locator(".inspected pre").first().isVisible()).toBe(true);
    await page.getByRole("link", { name: "Dead letters" }).focus();
    await page.keyboard.press("Enter");
    await page.waitForSelector(".letters tbody tr");
    await tabTo(page, "tbody input");
    await page.keyboard.press("Space");
    await page.locator("button.primary").focus();
    await page.keyboard.press("Enter");
    await until("the outcome is told", async () => (await page.locator(".outcome").first().textContent()) !== "");
    await page.locator("#nav a").last().focus();
    await page.keyboard.press("Enter");
    await page.waitForSelector(".source");
    await tabTo(page, "main select");
    await page.keyboard.press("ArrowDown");
    await until("the other format is shown", async () =>
      (await page.locator(".source").textContent())?.startsWith('{\n  "id": "order"'),
    );
    await tabTo(page, "main button");
  });
});

describe("hostile data", () => {
  beforeAll(async () => {
    if (!live.isThere) return;
    const { html, long, rightToLeft } = HOSTILE;
    await live.send("hostile-1", "OrderCreated", 1, { customerId: html, totalAmount: 1, currency: "EUR" }, html);
    await live.send("hostile-1", "PaymentProcessed", 2, {
      amount: 1,
      status: "successful",
      method: rightToLeft,
      transactionId: long,
    });
    await live.send("hostile-1", "InventoryReserved", 3, {
      reservedItems: { [html]: 1, [long]: 2 },
      warehouseId: html,
    });
    await live.send("H".repeat(128), "PaymentProcessed", 1, { amount: 1, status: "failed" });
    await live.sendRaw("orders.hostile-1.OrderCreated", `{${html}${"x".repeat(20_000)}`);
    await live.sendRaw(`orders.hostile-1.${html.replace(/[\s.>*]/g, "")}`, JSON.stringify({ eventType: html }));
    await live.world.settle(live.daemon);
  });

  it.each([LAPTOP, PHONE])("is text, and stays within the page (%j)", async (size) => {
    const page = await live.visit("#/orders/hostile-1", size);
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

  it("is text in a live inspection too", async () => {
    const page = await live.visit("#/orders/hostile-1");
    await page.getByRole("button", { name: "Inspect live" }).click();
    await until("its past is told", async () => (await page.locator(".inspected li").count()) === 9);
    for (const summary of await page.locator(".inspected summary").all()) await summary.click();
    expect(await page.locator(".inspected").textContent()).toContain("<img src=x onerror=");
    expect(await page.locator("main img, main script").count()).toBe(0);
    expect(await page.evaluate(measureOverhang)).toBe(0);
  });

  it("in the address leads nowhere, quietly", async () => {
    const page = await live.visit("#/");
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
