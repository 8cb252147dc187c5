import { once } from "node:events";
import { request } from "node:http";
import { expect, it } from "vitest";
import { refusal, useApi } from "./api-over-orders.ts";

const api = useApi();

it.each(["POST", "PUT", "PATCH", "DELETE", "OPTIONS"])("%s is not allowed anywhere", async (method) => {
  for (const path of ["/api/orders/x", "/nowhere"]) {
    const response = await fetch(api.server.url + path, { method });
    expect(response.status).toBe(405);
    expect(response.headers.get("allow")).toBe("GET, HEAD");
    expect(await response.json()).toEqual(refusal("method_not_allowed", `${method} is not possible here`));
  }
});

it("a large body is refused unread", async () => {
  const response = await fetch(`${api.server.url}/api/orders`, { method: "POST", body: "x".repeat(100_000) });
  expect(response.status).toBe(405);
});

it("HEAD is GET without a body", async () => {
  const response = await fetch(`${api.server.url}/api/stats`, { method: "HEAD" });
  expect([response.status, await response.text()]).toEqual([200, ""]);
});

it.each(["127.0.0.1", "localhost", "LOCALHOST:80", "127.8.9.1:8484", "[::1]:8484"])("Host %s is ours", async (host) => {
  expect(await statusFor(host)).toBe(200);
});

it.each([
  "evil.example",
  "127.0.0.1.evil.example",
  "localhost.evil.example:8484",
  "evil@127.0.0.1",
  "10.0.0.7",
  "a b",
  "127.0.0.1:x",
])("Host %s is refused, as DNS rebinding would send it", async (host) => {
  expect(await statusFor(host)).toBe(421);
});

it("a server that listens on every interface answers to addresses and not to foreign names", async () => {
  await using open = await api.listen({ host: "0.0.0.0", token: "a token of 16 or more" });
  expect(open.url).toBe(`http://127.0.0.1:${open.port}`);
  expect(await statusFor("10.0.0.7:8484", open)).toBe(401);
  expect(await statusFor("evil.example", open)).toBe(421);
});

it("every answer forbids keeping, framing, sniffing and embedding it, and allows no other origin", async () => {
  for (const [path, method] of [["/api/stats"], ["/nowhere"], ["/api/orders?limit=0"], ["/", "POST"]] as const) {
    const { headers } = await fetch(api.server.url + path, { method, headers: { origin: "http://evil.example" } });
    expect(headers.get("cache-control")).toBe("no-store");
    expect(headers.get("x-frame-options")).toBe("DENY");
    expect(headers.get("x-content-type-options")).toBe("nosniff");
    expect(headers.get("cross-origin-resource-policy")).toBe("same-origin");
    expect([...headers.keys()].filter((name) => name.startsWith("access-control"))).toEqual([]);
  }
});

/** Asks with a Host header of our own, which fetch does not let through. */
async function statusFor(host: string, to = api.server): Promise<number | undefined> {
  const outgoing = request(`${to.url}/api/stats`, { headers: { host } }).end();
  const [response] = await once(outgoing, "response");
  response.resume();
  return response.statusCode;
}
