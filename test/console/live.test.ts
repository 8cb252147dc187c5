import { createServer, type Server } from "node:http";
import { type AddressInfo, connect, type Socket } from "node:net";
import { afterEach, describe, expect, it, vi } from "vitest";
import { createLive, type Live, type LiveOptions } from "../../src/console/live.ts";
import { until } from "../until.ts";

const closers: (() => void)[] = [];

afterEach(() => {
  vi.useRealTimers();
  for (const close of closers.splice(0).reverse()) close();
});

/** A server whose every request listens to the topic its path names. */
async function open(options: LiveOptions<string>): Promise<{ live: Live<string>; url: string; port: number }> {
  const live = createLive(options);
  const server: Server = createServer((request, response) => {
    if (!live.attach(request.url ?? "", response)) response.writeHead(503).end();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  closers.push(() => {
    live.close();
    server.closeAllConnections();
    server.close();
  });
  return { live, url: `http://127.0.0.1:${port}`, port };
}

/** A listener that keeps what it hears. */
async function listen(url: string): Promise<{ readonly heard: string[]; stop(): void }> {
  const ending = new AbortController();
  const response = await fetch(url, { signal: ending.signal });
  expect(response.headers.get("content-type")).toBe("text/event-stream; charset=utf-8");
  const heard: string[] = [];
  const body = response.body as ReadableStream<Uint8Array>;
  void (async () => {
    for await (const chunk of body) heard.push(...Buffer.from(chunk).toString().split("\n\n").filter(Boolean));
  })().catch(() => {});
  const stop = () => ending.abort();
  closers.push(stop);
  return { heard, stop };
}

describe("listening", () => {
  it("begins with what there is now, and goes on with what there is then", async () => {
    let count = 0;
    const { url } = await open({ read: () => ({ count: ++count }), everyMs: 10 });
    const { heard } = await listen(`${url}/a`);
    await until("three messages", () => heard.length >= 4);
    expect(heard.slice(0, 4)).toEqual(["retry: 1000", 'data: {"count":1}', 'data: {"count":2}', 'data: {"count":3}']);
  });

  it("costs nothing while nobody does, and the same for one and for many", async () => {
    vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] });
    const reads: string[] = [];
    const { live, url } = await open({ read: (topic) => ({ at: reads.push(topic) }), everyMs: 1000 });
    expect(vi.getTimerCount()).toBe(0);
    const listeners = await Promise.all(["/a", "/a", "/a", "/b"].map((path) => listen(url + path)));
    expect(vi.getTimerCount()).toBe(1);
    reads.length = 0;
    await vi.advanceTimersByTimeAsync(2000);
    expect(reads).toEqual(["/a", "/b", "/a", "/b"]);
    for (const { stop } of listeners) stop();
    await until("all have gone", () => live.listeners() === 0);
    expect(vi.getTimerCount()).toBe(0);
  });

  it("goes on after a read that failed", async () => {
    const errors: string[] = [];
    let count = 0;
    const { url } = await open({
      read() {
        if (++count === 2) throw new Error("the store is busy");
        return { count };
      },
      everyMs: 10,
      onError: (error) => errors.push(error.message),
    });
    const { heard } = await listen(`${url}/a`);
    await until("one after the failure", () => heard.includes('data: {"count":3}'));
    expect(errors).toEqual(["the store is busy"]);
  });
});

describe("limits", () => {
  it("a listener that does not read is dropped; the others hear everything", async () => {
    const text = "x".repeat(200_000);
    const { live, url, port } = await open({ read: () => ({ text }), everyMs: 5, maxWaitingBytes: 500_000 });
    const slow: Socket = connect(port, "127.0.0.1");
    closers.push(() => slow.destroy());
    slow.write("GET /a HTTP/1.1\r\nHost: x\r\n\r\n");
    slow.pause();
    const { heard } = await listen(`${url}/a`);
    await until("both listen", () => live.listeners() === 2);
    await until("the slow one is dropped", () => live.listeners() === 1);
    const before = heard.length;
    await until("the other hears on", () => heard.length > before + 3);
  });

  it("beyond the most listeners the next is refused, until one goes", async () => {
    const { live, url } = await open({ read: () => ({}), everyMs: 10, maxListeners: 2 });
    const first = await listen(`${url}/a`);
    await listen(`${url}/a`);
    expect((await fetch(`${url}/a`)).status).toBe(503);
    first.stop();
    await until("one has gone", () => live.listeners() === 1);
    await listen(`${url}/a`);
  });

  it("closing ends every listener", async () => {
    const { live, url } = await open({ read: () => ({}), everyMs: 10 });
    const response = await fetch(`${url}/a`);
    live.close();
    expect(await response.text()).toContain("data: {}");
    expect(live.listeners()).toBe(0);
  });
});
