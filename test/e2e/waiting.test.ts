import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, it } from "vitest";
import { freePort } from "../../src/nats-server/ready.ts";
import { startTestServer } from "../server.ts";
import { until } from "../until.ts";
import { spawnDaemon } from "./daemon-process.ts";

const directory = mkdtempSync(join(tmpdir(), "natstate-waiting-"));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

/** A daemon that is not waited for. */
async function startWaiting(name: string, natsUrl: string, args: readonly string[] = []) {
  const port = await freePort();
  const child = spawnDaemon(
    { NATS_URL: natsUrl, NATSTATE_DATA: join(directory, name), NATSTATE_HTTP: `127.0.0.1:${port}` },
    args,
  );
  let output = "";
  for (const stream of [child.stdout, child.stderr]) stream?.on("data", (chunk) => (output += chunk));
  const exited = once(child, "exit").then(([code]) => code as number | null);
  const ask = (path: string) => fetch(`http://127.0.0.1:${port}${path}`).catch(() => undefined);
  return {
    child,
    exited,
    output: () => output,
    ask,
    isWaiting: () => until("it says that it waits", async () => (await ask("/readyz"))?.status === 503),
  };
}

it("a daemon started before NATS lives, says once what it waits for, is not ready, and goes on by itself", async () => {
  await using server = await startTestServer();
  await server.kill9();
  const daemon = await startWaiting("before", server.url);
  await daemon.isWaiting();
  expect((await daemon.ask("/livez"))?.status).toBe(200);
  const readiness = await (await daemon.ask("/readyz"))?.json();
  const why = expect.stringMatching(/^no NATS connection to nats:.*connection refused/);
  expect(readiness).toEqual({ ready: false, checks: { nats: { ok: false, detail: why } } });
  const metrics = await (await daemon.ask("/metrics"))?.text();
  expect(metrics).toMatch(/^natstate_ready 0$/m);
  expect(metrics).toMatch(/^natstate_nats_connected 0$/m);
  expect((await daemon.ask("/api/orders"))?.status).toBe(503);
  await server.restart();
  await until("it is ready", async () => (await daemon.ask("/readyz"))?.ok);
  expect((await daemon.ask("/api/orders"))?.status).toBe(200);
  expect(daemon.output().match(/waiting for NATS/g)).toHaveLength(1);
  daemon.child.kill("SIGTERM");
  expect(await daemon.exited).toBe(0);
});

it("a signal ends a daemon that waits, at once and with exit code 0", async () => {
  const daemon = await startWaiting("signal", "nats://127.0.0.1:1");
  await daemon.isWaiting();
  const before = performance.now();
  daemon.child.kill("SIGTERM");
  expect(await daemon.exited).toBe(0);
  expect(performance.now() - before).toBeLessThan(3000);
});
