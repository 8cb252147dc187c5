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
    expect(await page.locator(".command").allTextContents()).toContain(
      `npx natstate history travel-2 ${live.commandPlace}Copy`,
    );
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
