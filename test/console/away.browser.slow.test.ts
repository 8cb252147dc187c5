import type { Page } from "playwright-core";
import { it } from "vitest";
import { until } from "../until.ts";
import { useConsoleInBrowser } from "./console-in-browser.ts";

const live = useConsoleInBrowser();

/** Goes on within the page. */
const goTo = (page: Page, hash: string) => page.evaluate(`location.hash = ${JSON.stringify(hash)}`);

it("while the daemon is away it is said of when the figures are; back, what failed is there by itself", async () => {
  await live.tellStory("away-1");
  live.expectTrouble(/ERR_FAILED|Failed to load resource/);
  const page = await live.visit("#/");
  const status = () => page.locator("#status-text").textContent();
  await until("it is live", async () => (await status()) === "live");

  process.kill(live.daemon.pid, "SIGSTOP");
  try {
    await until("it is dated", async () => /^no answer; all of \d\d:\d\d:\d\d UTC$/.test((await status()) ?? ""));
  } finally {
    process.kill(live.daemon.pid, "SIGCONT");
  }
  await until("it is live again", async () => (await status()) === "live");

  const questions = /\/api\/orders/;
  await page.route(questions, (route) => route.abort());
  await goTo(page, "#/orders");
  const note = page.locator("main[data-at='#/orders'] .pager .note");
  await until("the list has failed", async () => (await note.textContent())?.includes("does not answer"));
  await page.unroute(questions);
  await until("the list is there", async () => (await page.locator("tbody th").allTextContents()).includes("away-1"));

  await page.route(questions, (route) => route.abort());
  await goTo(page, "#/orders/away-1");
  await until("the page has failed", async () => (await page.locator("h1").textContent()) === "Not here");
  await page.unroute(questions);
  await until("the page is there", async () => (await page.locator("h1").textContent()) === "away-1");
}, 60_000);
