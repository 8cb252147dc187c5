import { afterAll, beforeAll, expect, it } from "vitest";
import { askForRedrive, openTarget, readPageToken, send, type Target } from "./target.ts";

const TOKEN = "0123456789abcdef-secret";
const basic = (password: string) => `Basic ${Buffer.from(`anyone:${password}`).toString("base64")}`;
const PATHS = ["/", "/console/app.js", "/api/orders", "/api/stats", "/metrics", "/livez", "/readyz", "/nowhere"];

let target: Target;
let pageToken: string;
let redriven: number[];
let listen: Target["listen"];

beforeAll(async () => {
  target = await openTarget();
  ({ pageToken, redriven, listen } = target);
});

afterAll(() => target[Symbol.asyncDispose]());

it("where others reach it, nothing is answered without the token, and everything with it", async () => {
  const open = await listen({ host: "0.0.0.0", token: TOKEN, slowDown: () => 0 });
  const wrong = [
    "",
    "Bearer",
    "Bearer ",
    `Bearer ${TOKEN}x`,
    `Bearer ${TOKEN.slice(1)}`,
    `Token ${TOKEN}`,
    TOKEN,
  ].concat(basic("x"), basic(""), "Basic !", `Bearer ${"x".repeat(4000)}`, `Bearer x, Bearer ${TOKEN}`);
  for (const path of PATHS) {
    for (const authorization of wrong) {
      const response = await fetch(open.url + path, { headers: { authorization } });
      expect([response.status, path, authorization]).toEqual([401, path, authorization]);
      expect(response.headers.get("www-authenticate")).toMatch(/Bearer/);
    }
    const isThere = path === "/nowhere" ? 404 : 200;
    for (const authorization of [`Bearer ${TOKEN}`, `bearer ${TOKEN}`, basic(TOKEN)]) {
      expect((await fetch(open.url + path, { headers: { authorization } })).status).toBe(isThere);
    }
  }
  await open.close();
});

it("where others reach it, an orchestrator without a token hears whether, and not why", async () => {
  const open = await listen({ host: "0.0.0.0", token: TOKEN, slowDown: () => 0 });
  const ask = async (path: string, headers: Record<string, string> = {}) =>
    (await fetch(open.url + path, { headers })).json();
  expect(await ask("/livez")).toEqual({ live: true });
  expect(await ask("/readyz")).toEqual({ ready: true });
  expect(await ask("/readyz", { authorization: `Bearer ${TOKEN}` })).toHaveProperty("checks");
  expect((await fetch(`${open.url}/readyz`, { method: "POST" })).status).toBe(401);
  await open.close();
});

it("where others reach it, a server without a token answers nobody", async () => {
  const open = await listen({ host: "0.0.0.0" });
  for (const authorization of ["", "Bearer undefined", "Bearer ", basic(""), basic("undefined")]) {
    expect((await fetch(`${open.url}/livez`, { headers: { authorization } })).status).toBe(401);
  }
  await open.close();
});

it("where others reach it, a program that sends it may change something; a browser only from our page", async () => {
  const open = await listen({ host: "0.0.0.0", token: TOKEN, slowDown: () => 0 });
  const json = { "content-type": "application/json" };
  const statusOf = async (headers: Record<string, string>) =>
    (await askForRedrive(open, { ...json, ...headers })).status;
  expect(await statusOf({})).toBe(401);
  expect(await statusOf({ "x-natstate-token": pageToken })).toBe(401);
  // The browser adds what the user has typed once, to other sites' requests as well.
  expect(await statusOf({ authorization: basic(TOKEN) })).toBe(403);
  expect(await statusOf({ authorization: `Bearer ${TOKEN}`, origin: "http://evil.example" })).toBe(403);
  expect(redriven).toEqual([]);
  expect(await statusOf({ authorization: `Bearer ${TOKEN}` })).toBe(200);
  expect(redriven.splice(0)).toEqual([1]);
  await open.close();
});

it("on loopback a token that is set is needed for changes, not for reading", async () => {
  const own = await listen({ token: TOKEN });
  const headers = { "content-type": "application/json", "x-natstate-token": await readPageToken(own) };
  expect((await askForRedrive(own, headers)).status).toBe(401);
  expect(redriven).toEqual([]);
  expect((await askForRedrive(own, { ...headers, authorization: basic(TOKEN) })).status).toBe(200);
  expect(redriven.splice(0)).toEqual([1]);
  await own.close();
});

it("further host names are answered to, exactly", async () => {
  const own = await listen({ furtherHosts: ["natstate.internal"] });
  const ask = async (host: string) =>
    (await send(`GET /livez HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`, own)).status;
  expect(await Promise.all(["natstate.internal", "Natstate.Internal:8484"].map(ask))).toEqual([200, 200]);
  const others = ["x.natstate.internal", "natstate.internal.evil.example", "natstate", "internal"];
  expect(await Promise.all(others.map(ask))).toEqual([421, 421, 421, 421]);
  await own.close();
});
