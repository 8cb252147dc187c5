import type { Page } from "playwright-core";
import { beforeAll, expect, it } from "vitest";
import { until } from "../until.ts";
import { LAPTOP, PHONE } from "./browser.ts";
import { go, useConsoleInBrowser } from "./console-in-browser.ts";
import { findFaintTexts, hasFocus, measureOverhang } from "./in-page.js";

const live = useConsoleInBrowser();

const HASHES = ["#/", "#/orders", "#/orders/everybody-1", "#/dead-letters", "#/daemons", "#/machine"];

beforeAll(async () => {
  if (live.isThere) await live.tellStory("everybody-1");
});

it.each([LAPTOP, PHONE])("every text has contrast, light and dark, and nothing hangs over (%j)", async (size) => {
  const page = await live.visit("#/", size);
  for (const hash of HASHES) {
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
  await page.locator('#nav a[href="#/machine"]').focus();
  await page.keyboard.press("Enter");
  await page.waitForSelector(".source");
  await tabTo(page, "main select");
  await page.keyboard.press("ArrowDown");
  await until("the other format is shown", async () =>
    (await page.locator(".source").textContent())?.startsWith('{\n  "id": "order"'),
  );
  await tabTo(page, "main button");
});

/** Presses Tab until an element that matches has the focus. */
async function tabTo(page: Page, selector: string, most = 60): Promise<void> {
  for (let presses = 0; presses < most; presses++) {
    await page.keyboard.press("Tab");
    if (await page.evaluate(hasFocus, selector)) return;
  }
  throw new Error(`${most} presses of Tab did not reach ${selector}`);
}
