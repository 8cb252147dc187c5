import { mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { until } from "../until.ts";
import { runCli } from "./cli-run.ts";
import { startDaemonProcess } from "./daemon-process.ts";
import { type SecureServer, startSecureServer } from "./secure-server.ts";

const TOKEN = "http-geheim-0123456789";
const WRONG = "wrong-geheim-0123456789";

let server: SecureServer;
let directory: string;

beforeAll(async () => {
  server = await startSecureServer();
  directory = mkdtempSync(join(tmpdir(), "natstate-secrets-"));
});

afterAll(async () => {
  await server?.[Symbol.asyncDispose]();
  rmSync(directory, { recursive: true, force: true });
});

/** Every secret of this file has that word in it. */
function expectNoSecret(output: string): void {
  expect(output.length).toBeGreaterThan(20);
  expect(output).not.toMatch(/geheim/i);
  for (const secret of [TOKEN, WRONG, server.password("processor"), `processor:${server.password("processor")}`]) {
    expect(output).not.toContain(Buffer.from(secret).toString("base64"));
    expect(output).not.toContain(encodeURIComponent(secret));
  }
}

it.each(["json", "pretty"])(
  "a daemon that runs, is attacked and loses NATS writes no secret at trace level (%s)",
  async (format) => {
    const dataDir = join(directory, format);
    await using nats = await startSecureServer();
    const daemon = await startDaemonProcess({
      ...nats.env("processor"),
      NATSTATE_DATA: dataDir,
      NATSTATE_LOG_LEVEL: "trace",
      NATSTATE_LOG_FORMAT: format,
      NATSTATE_HTTP_TOKEN: TOKEN,
    });
    const url = `${daemon.httpUrl}/api/dead-letters/redrive`;
    const basic = Buffer.from(`user:${WRONG}`).toString("base64");
    for (const authorization of [`Bearer ${TOKEN}`, `Bearer ${WRONG}`, `Basic ${basic}`]) {
      const headers = { authorization, "content-type": "application/json" };
      await fetch(`${url}?token=${TOKEN}`, { method: "POST", headers, body: `{"sequences":[1],"token":"${TOKEN}"}` });
      await fetch(`${daemon.httpUrl}/api/orders?cursor=${TOKEN}`, { headers });
    }
    // The one place where it is written, for the other commands of the same user.
    expect(statSync(join(dataDir, "natstate.json")).mode & 0o777).toBe(0o600);
    await nats[Symbol.asyncDispose]();
    await until("NATS is missed", () => /NATS is away/.test(daemon.output()));
    // A stop would wait for NATS to come back, to publish what is due.
    await daemon.kill9();
    expectNoSecret(daemon.output());
    expect(daemon.output()).toContain("is running");
  },
);

it("a daemon that cannot connect says why, and no secret", async () => {
  const creds = join(directory, "broken.creds");
  writeFileSync(creds, "-----BEGIN NATS USER JWT-----\ngeheim\n------END NATS USER JWT------\nSUAGEHEIM\n");
  const silent = createServer((socket) => socket.on("error", () => {}).end("geheim?\r\n"));
  await new Promise<void>((resolve) => silent.listen(0, "127.0.0.1", resolve));
  const { port } = silent.address() as { port: number };
  const own = server.env("processor");
  const wrong = encodeURIComponent("p@ss/geheim:%");
  const attempts: Record<string, string>[] = [
    { NATS_URL: "nats://user:geheim@127.0.0.1:1" },
    { NATS_URL: "user:geheim@127.0.0.1:1,token-geheim@127.0.0.1:2" },
    { ...own, NATS_URL: `tls://processor:${wrong}@127.0.0.1:${server.port}` },
    { NATS_URL: `nats://user:geheim@127.0.0.1:${port}` },
    { NATS_URL: `tls://user:geheim@127.0.0.1:${port}` },
    { ...own, NATS_CREDS: creds, NATS_URL: `tls://127.0.0.1:${server.port}` },
    { ...own, NATSTATE_TLS_CA: "/nowhere.pem" },
    { NATS_URL: "nats://user:with,comma-geheim@127.0.0.1:1" },
    { NATS_URL: "nats://user:with space geheim@127.0.0.1:1" },
    { NATSTATE_HTTP_TOKEN: "short geheim" },
    { NATSTATE_HTTP: "0.0.0.0:0", NATSTATE_HTTP_TOKEN: "geheim" },
  ];
  const common = { NATSTATE_LOG_LEVEL: "trace", NATSTATE_LOG_FORMAT: "json", NATSTATE_HTTP: "127.0.0.1:0" };
  const ran = attempts.map((env, index) =>
    runCli(["start", "--no-wait"], { ...common, NATSTATE_DATA: join(directory, `refused-${index}`), ...env }),
  );
  for (const { code, stdout, stderr } of await Promise.all(ran)) {
    expect(code).not.toBe(0);
    expectNoSecret(stdout + stderr);
  }
  silent.close();
});

it("the configuration is shown without them, and so is every place a command names", async () => {
  const env = { ...server.env("reader"), NATSTATE_HTTP_TOKEN: TOKEN, NATSTATE_DATA: directory };
  const shown = await Promise.all([runCli(["config"], env), runCli(["config", "--json"], env), runCli(["stats"], env)]);
  for (const { stdout, stderr } of shown) expectNoSecret(stdout + stderr);
  expect(shown[0]?.stdout).toContain(`***@127.0.0.1:${server.port}`);
});

it("an API that others can reach is not opened without a token", async () => {
  for (const NATSTATE_HTTP of ["0.0.0.0:0", "[::]:0", "192.0.2.1:8484", "example.org:80", "localhost.example.org:80"]) {
    const { code, stderr } = await runCli(["config"], { NATSTATE_HTTP });
    expect({ code, stderr }).toEqual({
      code: 2,
      stderr: expect.stringMatching(/NATSTATE_HTTP: .* NATSTATE_HTTP_TOKEN has to be set/),
    });
  }
  const allowed = ["127.0.0.1:0", "localhost:0", "[::1]:0", "off"].map((NATSTATE_HTTP) =>
    runCli(["config"], { NATSTATE_HTTP }),
  );
  for (const { code } of await Promise.all(allowed)) expect(code).toBe(0);
  expect((await runCli(["config"], { NATSTATE_HTTP: "0.0.0.0:0", NATSTATE_HTTP_TOKEN: TOKEN })).code).toBe(0);
});

it("an embedded server listens on loopback only, whatever else is set", async () => {
  const dataDir = join(directory, "embedded");
  const daemon = await startDaemonProcess({ NATSTATE_DATA: dataDir, NATSTATE_NATS_PORT: "0" });
  expect(new URL(daemon.natsUrl).hostname).toBe("127.0.0.1");
  const listening = await until("it is known where it listens", () =>
    readListening(Number(new URL(daemon.natsUrl).port)),
  );
  expect(listening).toEqual(["0100007F"]);
  await daemon.stop();
});

/** Addresses, as the kernel writes them, on which a TCP port is listened to. Linux. */
async function readListening(port: number): Promise<string[]> {
  const tables = await Promise.all(
    ["/proc/net/tcp", "/proc/net/tcp6"].map((path) => readFile(path, "utf8").catch(() => "")),
  );
  const suffix = `:${port.toString(16).toUpperCase().padStart(4, "0")}`;
  const rows = tables.flatMap((text) => text.split("\n").map((line) => line.trim().split(/\s+/)));
  return rows
    .filter(([, local, , state]) => local?.endsWith(suffix) && state === "0A")
    .map(([, local]) => local?.split(":")[0] ?? "");
}
