import { once } from "node:events";
import { connect } from "node:net";
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import {
  type InspectionRelay,
  type InspectionRelayOptions,
  startInspectionRelay,
} from "../../src/cli/inspection-relay.ts";
import { STATELY_ORIGIN, sendStatelyPage } from "../../src/cli/stately-page.ts";
import { findChromium, launchBrowser, NO_CHROMIUM, openPage } from "../console/browser.ts";
import { until } from "../until.ts";

const chromium = findChromium();
let browser: Browser | undefined;

beforeAll(async () => {
  browser = chromium === undefined ? undefined : await launchBrowser(chromium);
});

afterAll(() => browser?.close());

async function start(options: Partial<InspectionRelayOptions>): Promise<InspectionRelay & AsyncDisposable> {
  const relay = await startInspectionRelay({
    port: 0,
    furtherOrigins: [],
    follow: tellForEver,
    onClients() {},
    ...options,
  });
  return { ...relay, [Symbol.asyncDispose]: relay.close };
}

async function* tellForEver(signal: AbortSignal) {
  yield '{"type":"@xstate.actor"}';
  if (!signal.aborted) await once(signal, "abort");
}

/** A client that connects and then reads nothing more. */
async function connectDeaf(port: number) {
  const socket = connect(port, "127.0.0.1");
  socket.on("error", () => {});
  socket.write(
    "GET / HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
  );
  await once(socket, "readable");
  return { [Symbol.dispose]: () => socket.destroy() };
}

test("an inspector that reads nothing is dropped, and what waits for it stays bounded", async () => {
  const message = "x".repeat(100_000);
  let told = 0;
  let isAborted = false;
  const ends: string[] = [];
  await using relay = await start({
    maxWaitingBytes: 1_000_000,
    async *follow(signal) {
      signal.addEventListener("abort", () => {
        isAborted = true;
      });
      while (!signal.aborted) {
        told++;
        yield message;
        await new Promise((resolve) => setImmediate(resolve));
      }
    },
    onClients: (count, error) => ends.push(`${count} ${error?.message ?? ""}`),
  });
  using _ = await connectDeaf(relay.port);
  await until("it is dropped", () => isAborted && ends.length === 2);
  expect(ends).toEqual(["1 ", "0 it does not keep up"]);
  // What may wait here, and what the sockets' own buffers take.
  expect(told).toBeLessThan(200);
});

test("no more than eight clients; one that goes makes room, and its inspection is ended", async () => {
  const counts: number[] = [];
  let ended = 0;
  await using relay = await start({
    async *follow(signal) {
      yield* tellForEver(signal);
      ended++;
    },
    onClients: (count) => counts.push(count),
  });
  const url = `ws://127.0.0.1:${relay.port}`;
  const clients = Array.from({ length: 8 }, () => new WebSocket(url));
  await until("all are served", () => counts.at(-1) === 8);
  const ninth = new WebSocket(url);
  const [error] = await Promise.all([once(ninth, "error"), once(ninth, "close")]);
  expect(error).toHaveLength(1);
  clients[0]?.close();
  await until("one has gone", () => ended === 1 && counts.at(-1) === 7);
  const again = new WebSocket(url);
  await once(again, "message");
});

test("an inspection that fails closes its client with the reason", async () => {
  await using relay = await start({
    // biome-ignore lint/correctness/useYield: it fails before it has anything to say.
    async *follow() {
      throw new Error("too many inspectors are open, close one");
    },
  });
  const client = new WebSocket(`ws://127.0.0.1:${relay.port}`);
  const [{ code, reason }] = (await once(client, "close")) as [CloseEvent];
  expect([code, reason]).toEqual([1011, "too many inspectors are open, close one"]);
});

/** Stands in for stately.ai, as `createBrowserReceiver` of its package behaves. */
const STATELY_STUB = `<!doctype html><pre></pre><script>
  addEventListener("message", ({ data, origin }) => {
    document.querySelector("pre").textContent += origin + " " + data.type + "\\n";
  });
  setTimeout(() => parent.postMessage({ type: "@statelyai.connected" }, "*"), 50);
</script>`;

test("the page hands every message to the frame of stately.ai, those from before it was ready too", async (context) => {
  if (browser === undefined) return context.skip(NO_CHROMIUM);
  await using relay = await start({
    page: sendStatelyPage,
    async *follow(signal) {
      for (const type of ["actor", "event", "snapshot"]) yield JSON.stringify({ type: `@xstate.${type}` });
      if (!signal.aborted) await once(signal, "abort");
    },
  });
  const origin = `http://127.0.0.1:${relay.port}`;
  const { page, troubles } = await openPage(browser, origin);
  const asked: string[] = [];
  await page.route(`${STATELY_ORIGIN}/**`, (route) => {
    asked.push(route.request().url());
    return route.fulfill({ contentType: "text/html", body: STATELY_STUB });
  });
  await page.goto("/");
  const told = page.frameLocator("iframe").locator("pre");
  await until("all are handed over", async () => (await told.textContent())?.includes("@xstate.snapshot"));
  expect(await told.textContent()).toBe(
    ["actor", "event", "snapshot"].map((type) => `${origin} @xstate.${type}\n`).join(""),
  );
  expect(await page.textContent("#told")).toBe("3 messages handed to stately.ai in this frame");
  expect(asked).toEqual([`${STATELY_ORIGIN}/inspect`]);
  // The frame, and the browser's own question for an icon.
  expect(troubles.filter((trouble) => !/stately\.ai|favicon|404|426/.test(trouble))).toEqual([]);
  await page.context().close();
});
