import { describe, expect, it } from "vitest";
import { createChangeGuard } from "../../src/console/guard.ts";
import { createTokenGuard } from "../../src/console/token-guard.ts";

const TOKEN = "0123456789abcdef";
const guard = createChangeGuard(createTokenGuard("127.0.0.1", TOKEN));
const good = {
  host: "127.0.0.1:8484",
  origin: "http://127.0.0.1:8484",
  "sec-fetch-site": "same-origin",
  "content-type": "application/json",
  "x-natstate-token": guard.pageToken,
};

describe("who may change something", () => {
  it("our own page may, and a program that has its token", () => {
    expect(guard.refuse(good)).toBeNull();
    const { origin: _origin, "sec-fetch-site": _site, ...program } = good;
    expect(guard.refuse(program)).toBeNull();
    expect(guard.refuse({ ...good, "content-type": "application/json; charset=utf-8" })).toBeNull();
  });

  it.each([
    ["another origin", { origin: "http://evil.example" }],
    ["another port of this machine", { origin: "http://127.0.0.1:3000" }],
    ["a sandboxed frame", { origin: "null" }],
    ["another site, by its fetch metadata", { "sec-fetch-site": "cross-site" }],
    ["another port, by its fetch metadata", { "sec-fetch-site": "same-site" }],
    ["a form", { "content-type": "application/x-www-form-urlencoded" }],
    ["a form in disguise", { "content-type": "text/plain; application/json" }],
    ["no content type", { "content-type": undefined }],
    ["no token", { "x-natstate-token": undefined }],
    ["a wrong token", { "x-natstate-token": guard.pageToken.replace(/./, (first) => (first === "a" ? "b" : "a")) }],
    ["part of the token", { "x-natstate-token": guard.pageToken.slice(1) }],
  ])("%s may not", (_who, headers) => {
    expect(guard.refuse({ ...good, ...headers })).toEqual(expect.any(String));
  });

  it("the token is another for every process, and hard to guess", () => {
    expect(createChangeGuard(createTokenGuard("localhost", TOKEN)).pageToken).not.toBe(guard.pageToken);
    expect(Buffer.from(guard.pageToken, "base64url")).toHaveLength(32);
  });

  it("a program that sends the token of NATSTATE_HTTP_TOKEN needs no page, but no other page may send it", () => {
    const { "x-natstate-token": _token, ...program } = { ...good, authorization: `Bearer ${TOKEN}` };
    expect(guard.refuse(program)).toBeNull();
    expect(guard.refuse({ ...program, authorization: `Bearer ${TOKEN}x` })).toEqual(expect.any(String));
    expect(guard.refuse({ ...program, origin: "http://evil.example" })).toEqual(expect.any(String));
  });
});
