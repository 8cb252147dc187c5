import type { Page } from "playwright-core";
import { expect, it } from "vitest";
import { until } from "../until.ts";
import { useConsoleInBrowser } from "./console-in-browser.ts";

const live = useConsoleInBrowser();

const list = (page: Page) => page.locator(".inspected > li > details > summary");

it("a live inspection tells the past and what happens now, and asks nothing any more once it is closed", async () => {
  await live.tellStory("inspect-1");
  const page = await live.visit("#/orders/inspect-1");
  const asked: string[] = [];
  const ended: string[] = [];
  page.on("request", (request) => asked.push(new URL(request.url()).pathname));
  page.on("requestfailed", (request) => ended.push(new URL(request.url()).pathname));
  const path = "/api/orders/inspect-1/inspect";
  expect(asked).not.toContain(path);
  await page.getByRole("button", { name: "Inspect live" }).click();
  await until("its past is told", async () => (await list(page).count()) === 11);
  await live.send("inspect-1", "LoyaltyPointsUpdated", 11, { pointsEarned: 1, totalPoints: 77, tierStatus: "gold" });
  await until("the event is told", async () => (await list(page).count()) === 13);
  expect(await list(page).nth(0).textContent()).toMatch(/@xstate\.snapshot→ confirmed$/);
  expect(await list(page).nth(1).textContent()).toMatch(/@xstate\.eventLoyaltyPointsUpdated$/);
  await list(page).nth(1).click();
  expect(JSON.parse((await page.locator(".inspected pre").nth(1).textContent()) ?? "")).toMatchObject({
    type: "@xstate.event",
    event: { type: "LoyaltyPointsUpdated", data: { totalPoints: 77 } },
  });
  const commands = await page.locator("#inspect .command code").allTextContents();
  expect(commands).toEqual(
    ["inspect-1", "inspect-1 --redact --open-stately"].map((id) => `npx natstate inspect ${id} ${live.commandPlace}`),
  );
  await page.locator("#inspect > summary").click();
  await until("it is given up", () => ended.includes(path));
  expect(await list(page).count()).toBe(0);
});

it("a live inspection leaves values out on request", async () => {
  await live.tellStory("inspect-2");
  const page = await live.visit("#/orders/inspect-2");
  await page.getByRole("button", { name: "Inspect live" }).click();
  await page.getByRole("checkbox", { name: "type names in place of values" }).check();
  await until("its past is told anew", async () => (await list(page).count()) === 11);
  await until(
    "without values",
    async () => !(await page.locator(".inspected").textContent())?.includes("warehouse-west"),
  );
  expect(await page.locator(".inspected").textContent()).toContain('"warehouseId": "string"');
});

it("a live inspection says so when too many look already", async () => {
  await live.tellStory("inspect-4");
  const page = await live.visit("#/orders/inspect-4");
  const ending = new AbortController();
  const open = () => fetch(`${live.daemon.httpUrl}/api/orders/inspect-4/inspect`, { signal: ending.signal });
  await Promise.all(Array.from({ length: 16 }, open));
  // The refusal is an error of the network in the browser's console.
  live.expectTrouble(/503/);
  await page.getByRole("button", { name: "Inspect live" }).click();
  const told = page.locator("#inspect .note").first();
  await until("it says so", async () =>
    (await told.textContent())?.startsWith("too many inspectors are open, close one"),
  );
  ending.abort();
  await until("it can be tried again", async () => {
    await page.getByRole("checkbox", { name: "type names in place of values" }).click();
    return (await list(page).count()) === 11;
  });
});

it("a live inspection shows the latest 200 messages of however many", async () => {
  for (let second = 0; second < 120; second++) {
    await live.send("inspect-3", "PaymentProcessed", second, { amount: second, status: "pending" });
  }
  await live.world.settle(live.daemon);
  const page = await live.visit("#/orders/inspect-3");
  await page.getByRole("button", { name: "Inspect live" }).click();
  await until("it is told", async () =>
    (await page.locator("#inspect .note").first().textContent())?.includes("the latest 200 of 243"),
  );
  expect(await list(page).count()).toBe(200);
});
