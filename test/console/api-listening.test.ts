import { once } from "node:events";
import { connect } from "node:net";
import { networkInterfaces } from "node:os";
import { describe, expect, it } from "vitest";
import { HttpServerError } from "../../src/console/server.ts";
import { useApi } from "./api-over-orders.ts";

const api = useApi();

/** Not every container has IPv6. */
const hasIpv6 = Object.values(networkInterfaces()).some((own) => own?.some(({ address }) => address === "::1"));
const loopbackHosts = ["127.0.0.1", "localhost", ...(hasIpv6 ? ["::1"] : [])];

describe("operation", () => {
  it("metrics are given as they are", async () => {
    const response = await fetch(`${api.server.url}/metrics`);
    expect(response.headers.get("content-type")).toBe("text/plain; version=0.0.4");
    expect(await response.text()).toBe("natstate_up 1\n");
  });

  it("health is 200 or 503, with every check", async () => {
    expect(await api.ask("/livez")).toEqual({ status: 200, body: { live: true } });
    expect((await api.ask("/readyz")).status).toBe(200);
    const readiness = { ready: false, checks: { nats: { ok: false, detail: "reconnecting for 3 s" } } };
    await using ill = await api.listen({ health: { live: () => false, ready: () => readiness } });
    expect(await api.ask("/livez", {}, ill)).toEqual({ status: 503, body: { live: false } });
    expect(await api.ask("/readyz", {}, ill)).toEqual({ status: 503, body: readiness });
  });
});

describe("listening", () => {
  it("a port in use is an error that says which, and how to choose another", async () => {
    const taken = api.listen({ port: api.server.port });
    await expect(taken).rejects.toThrow(HttpServerError);
    await expect(taken).rejects.toThrow(`port ${api.server.port} on 127.0.0.1 is in use. Set NATSTATE_HTTP`);
  });

  it("an address of another machine is an error that says so", async () => {
    await expect(api.listen({ host: "192.0.2.1" })).rejects.toThrow("192.0.2.1 is not an address of this machine");
  });

  it.each(loopbackHosts)("on %s it has a URL that works", async (host) => {
    await using local = await api.listen({ host });
    expect((await api.ask("/livez", {}, local)).status).toBe(200);
  });

  it("closes within 2 s, whatever hangs on it", async () => {
    let answerMetrics = () => {};
    const pending = new Promise<{ contentType: string; body: string }>((resolve) => {
      answerMetrics = () => resolve({ contentType: "text/plain", body: "" });
    });
    const busy = await api.listen({ metrics: () => pending });
    const silent = connect(busy.port, "127.0.0.1");
    const half = connect(busy.port, "127.0.0.1", () => half.write("GET / HTTP/1.1\r\n"));
    const unanswered = fetch(`${busy.url}/metrics`).catch((error: Error) => error);
    await Promise.all([once(silent, "connect"), once(half, "connect"), fetch(`${busy.url}/livez`)]);
    const closed = Promise.all([once(silent, "close"), once(half, "close")]);
    const startedMs = performance.now();
    await busy.close();
    expect(performance.now() - startedMs).toBeLessThan(2000);
    await closed;
    expect(await unanswered).toBeInstanceOf(Error);
    answerMetrics();
  });
});
