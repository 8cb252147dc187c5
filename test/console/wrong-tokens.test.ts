import { expect, it } from "vitest";
import { createSlowdown } from "../../src/console/token-guard.ts";
import { openTarget, send } from "./target.ts";

const TOKEN = "0123456789abcdef0123456789abcdef";

it("wrong tokens wait the longer the more there are, and no longer than 5 s; a minute forgets them all", () => {
  let nowMs = 0;
  const slowDown = createSlowdown(() => nowMs);
  expect([1, 2, 3, 4, 5].map(slowDown)).toEqual([0, 0, 0, 100, 200]);
  for (let guess = 0; guess < 1000; guess++) slowDown();
  expect(slowDown()).toBe(5000);
  nowMs += 60_000;
  expect(slowDown()).toBe(0);
});

it("guessing takes time, the right token and no token do not", async () => {
  await using target = await openTarget();
  const server = await target.listen({ host: "0.0.0.0", token: TOKEN });
  const ask = async (token?: string) => {
    const startedMs = performance.now();
    const headers: Record<string, string> = token === undefined ? {} : { authorization: `Bearer ${token}` };
    const { status } = await fetch(`${server.url}/api/stats`, { headers });
    return { status, ms: performance.now() - startedMs };
  };
  try {
    await Promise.all(Array.from({ length: 9 }, () => ask("guess")));
    const [guess, nothing, right] = await Promise.all([ask("guess"), ask(), ask(TOKEN)]);
    expect([guess.status, nothing.status, right.status]).toEqual([401, 401, 200]);
    expect(guess.ms).toBeGreaterThan(400);
    expect(Math.max(nothing.ms, right.ms)).toBeLessThan(guess.ms);
  } finally {
    await server.close();
  }
});

it.each(["cross-site", "same-site"])("a page that is %s is answered nothing under /api/", async (site) => {
  await using target = await openTarget();
  const ask = (path: string, value: string) =>
    fetch(`${target.server.url}${path}`, { headers: { "sec-fetch-site": value } }).then(({ status }) => status);
  expect(await ask("/api/orders", site)).toBe(403);
  expect(await ask("/api/live", site)).toBe(403);
  for (const path of ["/%61pi/orders", "/api/orders/%78", "/%61%70%69/stats"])
    expect(await ask(path, site), path).toBe(403);
  // A link may stand anywhere, a frame may not. (fetch sets sec-fetch-mode itself.)
  const shown = async (destination: string) => {
    const fetched = `Sec-Fetch-Site: ${site}\r\nSec-Fetch-Mode: navigate\r\nSec-Fetch-Dest: ${destination}\r\n`;
    const asked = `GET /api/orders HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n${fetched}\r\n`;
    return (await send(asked, target.server)).status;
  };
  expect([await shown("document"), await shown("iframe")]).toEqual([200, 403]);
  expect(await ask("/", site)).toBe(200);
  expect(await ask("/api/orders", "same-origin")).toBe(200);
  expect(await ask("/api/orders", "none")).toBe(200);
});
