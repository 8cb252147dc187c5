import { once } from "node:events";
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createLive } from "../../src/console/live.ts";
import type { HttpServer } from "../../src/console/server.ts";
import { until } from "../until.ts";
import { hold, openTarget, type Target } from "./target.ts";

let target: Target;
let server: HttpServer;
let listen: Target["listen"];

beforeAll(async () => {
  target = await openTarget();
  ({ server, listen } = target);
});

afterAll(() => target[Symbol.asyncDispose]());

describe("clients that hold on", () => {
  it("half-sent requests and idle connections are cut off, however many, and others are served again", async () => {
    const head = "POST /api/dead-letters/redrive HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n";
    const openings = [
      "",
      "GET / HT",
      "GET / HTTP/1.1\r\nHost: localhost\r\nX-Slow: ",
      `${head}X-Natstate-Token: ${target.pageToken}\r\nContent-Length: 20\r\n\r\n{"sequ`,
    ];
    const sockets = await Promise.all(
      Array.from({ length: 600 }, (_, index) => hold(server.port, openings[index % 4] ?? "")),
    );
    await until("all are closed", () => sockets.every((socket) => socket.closed), 14_000);
    expect((await fetch(`${server.url}/livez`)).status).toBe(200);
    expect(target.redriven).toEqual([]);
  }, 60_000);

  it("a client that asks and asks and reads nothing is cut off, before its answers fill the memory", async () => {
    let asked = 0;
    const body = "x".repeat(200_000);
    const own = await listen({
      async metrics() {
        asked++;
        await new Promise((resolve) => setTimeout(resolve, 20));
        return { contentType: "text/plain", body };
      },
    });
    const socket = await hold(own.port, "GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n".repeat(3000));
    await until("it is cut off", () => socket.closed);
    expect(asked).toBe(1);
    await own.close();
  });

  it("a client that asks again on the same connection, having read the answer, is served", async () => {
    for (let asked = 0; asked < 50; asked++) {
      const response = await fetch(`${server.url}/metrics`);
      expect([response.status, await response.text()]).toEqual([200, "natstate_up 1\n"]);
    }
  });

  it("a live listener that does not keep up is dropped, the others go on", async () => {
    const live = createLive<string>({
      read: () => ({ big: "x".repeat(300_000) }),
      everyMs: 5,
      maxWaitingBytes: 262_144,
    });
    const heard: ServerResponse[] = [];
    const own = createServer((_request, response) => {
      heard.push(response);
      live.attach("topic", response);
    });
    own.listen(0, "127.0.0.1");
    await once(own, "listening");
    const { port } = own.address() as AddressInfo;
    const slow = await hold(port, "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
    const quick = await hold(port, "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
    slow.pause();
    quick.resume();
    await until("the slow one is dropped", () => heard.some((response) => response.destroyed));
    expect(live.listeners()).toBe(1);
    expect(heard.filter((response) => !response.destroyed)).toHaveLength(1);
    for (const socket of [slow, quick]) socket.destroy();
    live.close();
    own.close();
  });

  it("more live listeners than there is room for are told so", async () => {
    const own = await listen();
    const ask = "GET /api/live HTTP/1.1\r\nHost: localhost\r\n\r\n";
    const sockets = await Promise.all(Array.from({ length: 64 }, () => hold(own.port, ask)));
    await Promise.all(sockets.map((socket) => once(socket, "data")));
    expect((await fetch(`${own.url}/api/live`)).status).toBe(503);
    for (const socket of sockets) socket.destroy();
    await own.close();
  });
});
