import type { Page } from "playwright-core";
import { beforeAll, describe, expect, it } from "vitest";
import { getJson } from "../e2e/world.ts";
import { until } from "../until.ts";
import { useConsoleInBrowser } from "./console-in-browser.ts";
import { readLayoutShift, watchLayoutShift } from "./in-page.js";
import { openShop, startTraffic } from "./shop.ts";

const live = useConsoleInBrowser();

/** Publishes a few hundred orders at once and waits until they are decided. */
async function fillShop(seed: number, prefix: string, orders: number): Promise<void> {
  const shop = openShop(seed, prefix);
  const messages = Array.from({ length: orders }, () => shop.order(Date.now())).flat();
  await live.world.publish(messages);
  await live.world.settle(live.daemon);
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

/** What a machine begins with in each format. */
const EXPORTED = {
  json: '{\n  "id": "order"',
  mermaid: "stateDiagram-v2",
  text: "machine order: One order",
  source: "import { assign, setup }",
};

/** What a command needs to find the daemon. */
const where = () => `--nats ${live.world.server.url}`;

const firstColumn = (page: Page) => page.locator("tbody th").allTextContents();
const lit = (page: Page) => page.locator(".node.lit").getAttribute("data-state");

describe("the overview", () => {
  it("moves with the traffic, without shifting, and agrees with the API", async () => {
    const page = await live.visit("#/");
    await page.waitForSelector('.status[data-state="live"]');
    const before = await drawnCounts(page);
    {
      await using _traffic = startTraffic(live.world.session.nc, openShop(1, "flow-"), 400, 50);
      await until("counts move", async () => ((await drawnCounts(page)).confirmed ?? 0) > (before.confirmed ?? 0) + 20);
      await page.evaluate(watchLayoutShift);
      const events = page.locator('[data-tile="Events per second"] .value');
      await until("events are counted", async () => Number((await events.textContent())?.replace(",", "")) > 100);
      await until(
        "a flow is drawn",
        async () => Number(await page.locator('[data-edge="pending>processing"] .flow').textContent()) > 10,
      );
    }
    await live.world.settle(live.daemon);
    const { orders } = await getJson(live.daemon, "/api/stats");
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
    if (live.isThere) await fillShop(2, "list-", 150);
  });

  it("are found by the beginning of their id, from the keyboard", async () => {
    const page = await live.visit("#/orders");
    await page.keyboard.press("/");
    await page.keyboard.type("list-10001");
    await until("one is left", async () => (await firstColumn(page)).length === 1);
    expect(await firstColumn(page)).toEqual(["list-10001"]);
    expect(new URL(page.url()).hash).toBe("#/orders?idPrefix=list-10001");
    await page.getByRole("button", { name: "Clear" }).click();
    await until("all are back", async () => (await firstColumn(page)).length === 50);
  });

  it("are filtered as the API says", async () => {
    const page = await live.visit("#/orders?idPrefix=list-");
    const wanted = { state: "payment_failed", decision: "none", completeness: "80", waitingFor: "PaymentProcessed" };
    for (const [name, value] of Object.entries(wanted)) {
      const { orders } = await getJson(live.daemon, `/api/orders?limit=50&idPrefix=list-&${name}=${value}`);
      expect(orders.length, name).toBeGreaterThan(0);
      const expected = JSON.stringify(orders.map(({ orderId }: { orderId: string }) => orderId));
      const select = page.locator(`select[name="${name}"]`);
      await select.selectOption(value);
      await until(`filtered by ${name}`, async () => JSON.stringify(await firstColumn(page)) === expected);
      await select.selectOption("");
    }
  });

  it("are paged there and back", async () => {
    const page = await live.visit("#/orders?idPrefix=list-");
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
    await live.tellStory("travel-1");
    const page = await live.visit("#/orders/travel-1");
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
    await live.tellStory("travel-2");
    const page = await live.visit("#/orders/travel-2?step=3");
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
    expect(await page.locator(".command").allTextContents()).toContain(`npx natstate history travel-2 ${where()}Copy`);
    await page.getByText("Raw JSON, now").click();
    expect(JSON.parse((await page.locator("details pre").last().textContent()) ?? "")).toEqual(
      await getJson(live.daemon, "/api/orders/travel-2"),
    );
  });

  it("goes on with what arrives while it is looked at", async () => {
    await live.send("travel-3", "OrderCreated", 1, { customerId: "c", totalAmount: 1, currency: "EUR" });
    await live.world.settle(live.daemon);
    const page = await live.visit("#/orders/travel-3");
    expect(await lit(page)).toBe("processing");
    await live.send("travel-3", "PaymentProcessed", 2, { amount: 1, status: "failed" });
    await until("the new state is lit", async () => (await lit(page)) === "payment_failed");
  });
});

describe("a live inspection", () => {
  const list = (page: Page) => page.locator(".inspected > li > details > summary");

  it("tells the past and what happens now, and asks nothing any more once it is closed", async () => {
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
      ["inspect-1", "inspect-1 --redact --open-stately"].map((id) => `npx natstate inspect ${id} ${where()}`),
    );
    await page.locator("#inspect > summary").click();
    await until("it is given up", () => ended.includes(path));
    expect(await list(page).count()).toBe(0);
  });

  it("leaves values out on request", async () => {
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

  it("says so when too many look already", async () => {
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

  it("shows the latest 200 messages of however many", async () => {
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
});

describe("the machine", () => {
  it("is drawn, and given as text to take elsewhere", async () => {
    const page = await live.visit("#/machine", { permissions: ["clipboard-read", "clipboard-write"] });
    const states = page.locator(".node[data-state]");
    const drawn = await states.evaluateAll((nodes) => nodes.map((node) => node.getAttribute("data-state")));
    expect(drawn).toEqual(["pending", "processing", "payment_failed", "confirmed"]);
    for (const [name, start] of Object.entries(EXPORTED)) {
      await page.getByRole("combobox", { name: "Format" }).selectOption(name);
      await until(name, async () => (await page.locator(".source").textContent())?.startsWith(start));
      expect(await page.locator(".command code").textContent()).toBe(`npx natstate machine export --format ${name}`);
    }
    await page.getByRole("combobox", { name: "Format" }).selectOption("source");
    const source = await (await fetch(`${live.daemon.httpUrl}/api/machine/source`)).text();
    await until("the source", async () => (await page.locator(".source").textContent()) === source);
    await page.getByRole("button", { name: "Copy the machine" }).click();
    expect(await page.evaluate("navigator.clipboard.readText()")).toBe(source);
  });
});

describe("dead letters", () => {
  it("are shown with their bytes, and redriven with the outcome told", async () => {
    await live.sendRaw("orders.dead-1.OrderCreated", '{"orderId":"dead-1", oops');
    await live.world.settle(live.daemon);
    const page = await live.visit("#/dead-letters?reason=malformed_json");
    const row = page.locator("tbody tr", { hasText: "dead-1" }).first();
    await row.getByRole("button").click();
    await page.waitForSelector(".bytes");
    expect(await page.locator(".bytes").first().textContent()).toBe('{"orderId":"dead-1", oops');
    await row.getByRole("checkbox").check();
    expect(await page.locator(".command code").textContent()).toMatch(
      /^npx natstate dead-letters redrive \d+ --nats nats:\S+$/,
    );
    const before = await live.world.streamSize("ORDERS");
    await page.getByRole("button", { name: "Redrive 1" }).click();
    await until("the outcome is told", async () =>
      (await row.locator(".outcome").textContent())?.startsWith("Sent again: now"),
    );
    expect(await live.world.streamSize("ORDERS")).toBe(before + 1);
    await live.world.settle(live.daemon);
    await page.getByRole("button", { name: "Refresh" }).click();
    await until("it is dead again", async () => (await page.locator("tbody tr", { hasText: "dead-1" }).count()) === 2);
  });

  it("are not redriven for a page from elsewhere, or without the page's token", async () => {
    const before = await live.world.streamSize("ORDERS");
    const { deadLetters } = await getJson(live.daemon, "/api/dead-letters");
    const html = await (await fetch(`${live.daemon.httpUrl}/`)).text();
    const token = /natstate-token" content="([\w-]+)"/.exec(html)?.[1] ?? "";
    const body = JSON.stringify({ sequences: [deadLetters[0].sequence] });
    const post = (headers: Record<string, string>) =>
      fetch(`${live.daemon.httpUrl}/api/dead-letters/redrive`, { method: "POST", headers, body });
    const json = { "content-type": "application/json" };
    expect((await post(json)).status).toBe(403);
    expect((await post({ ...json, "x-natstate-token": token, origin: "http://evil.example" })).status).toBe(403);
    expect((await post({ "x-natstate-token": token, "content-type": "text/plain" })).status).toBe(403);
    expect(await live.world.streamSize("ORDERS")).toBe(before);
    expect((await post({ ...json, "x-natstate-token": token })).status).toBe(200);
  });
});
