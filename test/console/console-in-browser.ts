import type { Browser, BrowserContextOptions, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, expect } from "vitest";
import type { DaemonProcess } from "../e2e/daemon-process.ts";
import { openWorld, type World } from "../e2e/world.ts";
import { findChromium, launchBrowser, NO_CHROMIUM, openPage, type WatchedPage } from "./browser.ts";

/** A real daemon on a real nats-server, and a real browser on its console. */
export interface ConsoleInBrowser {
  /** False where there is no Chromium: the tests are skipped, and so is what prepares them. */
  readonly isThere: boolean;
  /** Only while tests run. */
  readonly world: World;
  /** Only while tests run. */
  readonly daemon: DaemonProcess;
  /** What a command needs to find the daemon. */
  readonly commandPlace: string;
  /** Opens a page of its own, closed after the test. */
  visit(hash: string, options?: BrowserContextOptions): Promise<Page>;
  /** What a test brings about itself: troubles that match are none, until it ends. */
  expectTrouble(pattern: RegExp): void;
  /** Publishes an event; `second` counts from 2026-02-01T10:00:00Z. Its id is of type and second, unless given. */
  send(orderId: string, eventType: string, second: number, fields: object): Promise<void>;
  sendRaw(subject: string, body: string): Promise<void>;
  /**
   * A failed payment, a reservation, a payment that succeeds and is heard twice, and one that comes too late; resolves
   * when all is decided.
   */
  tellStory(id: string): Promise<void>;
}

/**
 * Sets all up for the tests of one file. Every test fails when its pages had an error, a dialog or a request to anywhere
 * else than the daemon.
 */
export function useConsoleInBrowser(): ConsoleInBrowser {
  const chromium = findChromium();
  let world: World;
  let daemon: DaemonProcess;
  let browser: Browser;
  let opened: WatchedPage[] = [];
  let expected: RegExp | undefined;

  beforeAll(async () => {
    if (chromium === undefined) return;
    [world, browser] = await Promise.all([openWorld(), launchBrowser(chromium)]);
    daemon = await world.start({ NATSTATE_LOG_LEVEL: "error" });
  });

  beforeEach((context) => {
    if (chromium === undefined) context.skip(NO_CHROMIUM);
  });

  afterEach(async () => {
    const troubles = opened.flatMap((watched) => watched.troubles).filter((trouble) => !expected?.test(trouble));
    expected = undefined;
    await Promise.all(opened.map(({ page }) => page.context().close()));
    opened = [];
    expect(troubles, "console errors, dialogs, requests elsewhere").toEqual([]);
  });

  afterAll(async () => {
    await browser?.close();
    await world?.[Symbol.asyncDispose]();
  });

  const sendRaw = (subject: string, body: string) => world.publish([{ subject, body }]);
  const send: ConsoleInBrowser["send"] = (orderId, eventType, second, fields) => {
    const timestamp = new Date(Date.parse("2026-02-01T10:00:00Z") + second * 1000).toISOString();
    const event = { orderId, eventType, eventId: `${eventType}-${second}`, timestamp, ...fields };
    return sendRaw(`orders.${orderId}.${eventType}`, JSON.stringify(event));
  };

  return {
    isThere: chromium !== undefined,
    get world() {
      return world;
    },
    get daemon() {
      return daemon;
    },
    get commandPlace() {
      return `--nats ${world.server.url}`;
    },
    async visit(hash, options) {
      const watched = await openPage(browser, daemon.httpUrl, options);
      opened.push(watched);
      await go(watched.page, hash);
      return watched.page;
    },
    expectTrouble(pattern) {
      expected = pattern;
    },
    send,
    sendRaw,
    async tellStory(id) {
      await send(id, "PaymentProcessed", 5, { amount: 10, status: "failed" });
      await send(id, "InventoryReserved", 2, { reservedItems: { "sku-1": 1 }, warehouseId: "warehouse-west" });
      await send(id, "PaymentProcessed", 9, { amount: 10, status: "successful" });
      await send(id, "PaymentProcessed", 9, { amount: 10, status: "successful" });
      await send(id, "PaymentProcessed", 1, { amount: 10, status: "failed" });
      await world.settle(daemon);
    },
  };
}

/** Resolves when the view that the address names is shown. */
export async function go(page: Page, hash: string): Promise<void> {
  await page.goto(`/${hash}`);
  await page.waitForSelector(`main[data-at="${hash}"] h1`, { state: "attached" });
}
