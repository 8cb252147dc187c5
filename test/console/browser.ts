import { accessSync, constants } from "node:fs";
import { join } from "node:path";
import { type Browser, type BrowserContextOptions, chromium, type Page } from "playwright-core";

/** Why there are no browser tests; said when they are skipped. */
export const NO_CHROMIUM = "no chromium found: apt-get install chromium, or set NATSTATE_CHROMIUM to its path";

/** Windows that a page must fit. */
export const PHONE = { viewport: { width: 390, height: 844 } };
export const LAPTOP = { viewport: { width: 1280, height: 800 } };

/** @returns the path of a Chromium: NATSTATE_CHROMIUM, the one of Debian, or one on PATH. Nothing is downloaded. */
export function findChromium(): string | undefined {
  const onPath = (process.env.PATH ?? "")
    .split(":")
    .flatMap((dir) => ["chromium", "chromium-browser"].map((name) => join(dir, name)));
  return [process.env.NATSTATE_CHROMIUM, "/usr/bin/chromium", ...onPath].find(
    (path) => path !== undefined && isExecutable(path),
  );
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** Starts a browser that can reach this machine and nothing else. */
export function launchBrowser(executablePath: string): Promise<Browser> {
  return chromium.launch({
    executablePath,
    args: [
      "--no-sandbox",
      "--disable-gpu",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
      "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
    ],
  });
}

/** A page, and what must not happen on it. */
export interface WatchedPage {
  readonly page: Page;
  /** Errors in the console, uncaught exceptions, dialogs, and requests to anywhere else than `origin`. */
  readonly troubles: string[];
}

/** Opens a page in a context of its own. */
export async function openPage(
  browser: Browser,
  origin: string,
  options: BrowserContextOptions = {},
): Promise<WatchedPage> {
  const context = await browser.newContext({ baseURL: origin, viewport: { width: 1280, height: 900 }, ...options });
  const page = await context.newPage();
  page.setDefaultTimeout(10_000);
  const troubles: string[] = [];
  page.on("console", (message) => {
    if (message.type() === "error" || message.type() === "warning") troubles.push(`console: ${message.text()}`);
  });
  page.on("pageerror", (error) => troubles.push(`exception: ${error.message}`));
  page.on("dialog", (dialog) => {
    troubles.push(`dialog: ${dialog.message()}`);
    void dialog.dismiss();
  });
  page.on("request", (request) => {
    if (new URL(request.url()).origin !== origin) troubles.push(`request: ${request.url()}`);
  });
  return { page, troubles };
}
