import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { HttpServer } from "../../src/console/server.ts";
import { askForRedrive, openTarget, send, type Target } from "./target.ts";

let target: Target;
let server: HttpServer;
let pageToken: string;
let redriven: number[];

beforeAll(async () => {
  target = await openTarget();
  ({ server, pageToken, redriven } = target);
});

afterAll(() => target[Symbol.asyncDispose]());

const get = (target: string, headers = "") =>
  send(`GET ${target} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n${headers}\r\n`, server);

const good = () => ({ "content-type": "application/json", "x-natstate-token": pageToken });
const redrive = (headers: Record<string, string>, body?: string) => askForRedrive(server, headers, body);

describe("another site's page in the user's browser", () => {
  it("cannot ask under its own name, whatever way it says it", async () => {
    const close = "Connection: close\r\n\r\n";
    const asked = [
      `GET /api/orders HTTP/1.1\r\nHost: evil.example\r\n${close}`,
      `GET /api/orders HTTP/1.1\r\nHost: evil.example:8484\r\nX-Forwarded-Host: localhost\r\n${close}`,
      `GET /api/orders HTTP/1.1\r\nHost: \r\n${close}`,
      `GET /api/orders HTTP/1.1\r\n${close}`,
      `GET /api/orders HTTP/1.0\r\n\r\n`,
      `GET /api/orders HTTP/1.1\r\nHost: evil.example\r\nHost: localhost\r\n${close}`,
      `GET /api/orders HTTP/1.1\r\nHost: localhost#@evil.example\r\n${close}`,
    ];
    for (const bytes of asked) {
      const { status, text } = await send(bytes, server);
      expect([400, 421], bytes).toContain(status);
      expect(text, bytes).not.toContain('"orders"');
    }
  });

  it.each([
    ["another origin", { origin: "http://evil.example" }],
    ["another port of this machine", { origin: "http://127.0.0.1:1" }],
    ["an origin that hides itself", { origin: "null" }],
    ["an origin that only begins like ours", { origin: "http://localhost.evil.example" }],
    ["a request from another site", { "sec-fetch-site": "cross-site" }],
    ["a request from another port", { "sec-fetch-site": "same-site" }],
    ["a request typed or linked", { "sec-fetch-site": "none" }],
  ])("changes nothing: %s", async (_name, headers) => {
    expect((await redrive({ ...good(), ...headers })).status).toBe(403);
    expect(redriven).toEqual([]);
  });

  it.each([
    ["a form", "application/x-www-form-urlencoded", "sequences=10002"],
    ["a form with a JSON body", "text/plain", '{"sequences":[10002]}'],
    ["a form with parts", "multipart/form-data; boundary=x", '--x\r\n\r\n{"sequences":[10002]}\r\n--x--'],
    ["a type that only begins with JSON's", "application/jsonp", '{"sequences":[10002]}'],
    ["no type", "", '{"sequences":[10002]}'],
  ])("changes nothing: %s", async (_name, type, body) => {
    expect((await redrive({ ...good(), "content-type": type }, body)).status).toBe(403);
    expect(redriven).toEqual([]);
  });

  it("is given no permission by a preflight", async () => {
    const headers = { origin: "http://evil.example", "access-control-request-method": "POST" };
    const response = await fetch(`${server.url}/api/dead-letters/redrive`, { method: "OPTIONS", headers });
    expect(response.status).toBe(405);
    expect([...response.headers.keys()].filter((name) => name.startsWith("access-control"))).toEqual([]);
  });
});

describe("changes", () => {
  it.each(["", "x", "A".repeat(43), "undefined", "__proto__"])("need the page's token, not '%s'", async (token) => {
    expect((await redrive({ ...good(), "x-natstate-token": token })).status).toBe(403);
    expect(redriven).toEqual([]);
  });

  it("with it, from our own origin and as JSON, are made once", async () => {
    const response = await redrive({ ...good(), origin: server.url, "sec-fetch-site": "same-origin" });
    expect([response.status, redriven.splice(0)]).toEqual([200, [1]]);
  });

  it.each([
    "[]",
    "null",
    "1",
    '"x"',
    "{}",
    '{"sequences":[]}',
    '{"sequences":[-1]}',
    '{"sequences":[1.5]}',
    '{"sequences":["10002"]}',
    '{"sequences":[1e999]}',
    '{"sequences":{"length":1,"0":10002}}',
    '{"__proto__":{"sequences":[10002]}}',
    '{"constructor":{"prototype":{"sequences":[10002]}}}',
    "{",
    "",
  ])("%s is refused", async (body) => {
    expect((await redrive(good(), body)).status).toBe(400);
    expect(redriven).toEqual([]);
  });

  it("with a larger body than any real one are refused, whether its length is said or not", async () => {
    const body = JSON.stringify({ sequences: [10002], padding: "x".repeat(100_000) });
    expect((await redrive(good(), body)).status).toBe(413);
    const head = `POST /api/dead-letters/redrive HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nX-Natstate-Token: ${pageToken}\r\n`;
    const chunk = `${(5000).toString(16)}\r\n${" ".repeat(5000)}\r\n`;
    expect((await send(`${head}Transfer-Encoding: chunked\r\n\r\n${chunk}${chunk}0\r\n\r\n`, server)).status).toBe(413);
    expect(redriven).toEqual([]);
  });
});

describe("paths", () => {
  const long = "x".repeat(5000);
  const targets = ["/../../etc/passwd", "/console/../../../package.json", "/console/..%2f..%2f..%2fpackage.json"]
    .concat("/console/%2e%2e/%2e%2e/server.ts", "/console/..\\..\\server.ts", "//etc/passwd", "/console/", "/console")
    .concat("/console/index.html%00.js", "/console/__proto__", "/console/.hidden", "/./.env", "/%", "/%zz", "/%00")
    .concat(
      ...["__proto__", "constructor", "toString", "..", "%2e%2e", "%00", "a%2Fb", "a%0d%0aX:y", long].map((id) => [
        `/api/orders/${id}`,
        `/api/orders/${id}/history`,
      ]),
    )
    .concat(
      "/api/stats?type=__proto__",
      "/api/stats?type=constructor",
      "/api/orders?__proto__=1",
      "/api/orders?constructor[a]=1",
    )
    .concat("/api/dead-letters/1e9", "/api/dead-letters/-1", "/api/dead-letters/0x10", `/api/orders?cursor=${long}`)
    .concat("http://evil.example/etc/passwd", "/api/orders/x/../../../../etc/passwd");

  it("asked for with tricks lead nowhere", async () => {
    for (const tricky of targets) {
      const { status, text } = await get(tricky);
      expect([400, 404, 421], tricky).toContain(status);
      expect(text, tricky).not.toMatch(/root:|"dependencies"|createHttpServer|\r\nX:y/);
    }
  });

  it("a target or headers of more than 8 KiB are refused", async () => {
    expect((await get(`/api/orders/${"x".repeat(20_000)}`)).status).toBe(431);
    expect((await get("/api/stats", `X-Padding: ${"x".repeat(20_000)}\r\n`)).status).toBe(431);
    expect((await get("/api/stats", "X-A: b\r\n".repeat(3000))).status).toBe(431);
  });
});

describe("methods and framing", () => {
  it.each(["TRACE", "PROPFIND", "PUT", "DELETE", "PATCH", "OPTIONS", "get", "PURGE", "M-SEARCH"])(
    "%s is refused",
    async (method) => {
      for (const path of ["/api/orders/x", "/api/dead-letters/redrive", "/"]) {
        const { status } = await send(
          `${method} ${path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`,
          server,
        );
        expect([400, 404, 405, 501]).toContain(status);
      }
    },
  );

  it("no tunnel is opened and no protocol changed", async () => {
    expect((await send("CONNECT 127.0.0.1:22 HTTP/1.1\r\nHost: localhost\r\n\r\n", server)).status).not.toBe(200);
    const upgraded = await get("/api/stats", "Upgrade: websocket\r\nConnection: Upgrade\r\n").catch(() => ({
      status: 0,
    }));
    expect(upgraded.status).not.toBe(101);
  }, 45_000);

  it("a method cannot be smuggled in by a header or a parameter", async () => {
    const override = "X-HTTP-Method-Override: POST\r\nX-Natstate-Token: x\r\n";
    expect([400, 404]).toContain((await get("/api/dead-letters/redrive?_method=POST", override)).status);
    expect(redriven).toEqual([]);
  });

  it.each([
    ["two lengths", "Content-Length: 1\r\nContent-Length: 50\r\n\r\nx"],
    ["length and chunks", "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /x HTTP/1.1\r\n"],
    ["a coding nobody knows", "Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n"],
    ["a negative length", "Content-Length: -1\r\n\r\n"],
    ["a length in hexadecimal", "Content-Length: 0x5\r\n\r\nhello"],
    ["a header without a name", ": x\r\n\r\n"],
    ["a header with a line feed in it", "X-A: b\n\tc\r\n\r\n"],
    ["a space before the colon", "Content-Length : 5\r\n\r\nhello"],
  ])("a request with %s is refused", async (_name, rest) => {
    const { status } = await send(`POST /api/dead-letters/redrive HTTP/1.1\r\nHost: localhost\r\n${rest}`, server);
    expect([400, 403, 413, 501]).toContain(status);
    expect(redriven).toEqual([]);
  });
});
