import { beforeAll, describe, expect, it } from "vitest";
import { until } from "../until.ts";
import { LAPTOP, PHONE } from "./browser.ts";
import { go, useConsoleInBrowser } from "./console-in-browser.ts";
import { measureOverhang } from "./in-page.js";

const HOSTILE = {
  html: '<img src=x onerror="alert(1)"><script>alert(2)</script>',
  long: "W".repeat(256),
  rightToLeft: "\u202eevil\u202c مرحبا <b>",
};

const live = useConsoleInBrowser();

describe("hostile data", () => {
  beforeAll(async () => {
    if (!live.isThere) return;
    const { html, long, rightToLeft } = HOSTILE;
    await live.send("hostile-1", "OrderCreated", 1, {
      customerId: html,
      totalAmount: 1,
      currency: "EUR",
      eventId: html,
    });
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
