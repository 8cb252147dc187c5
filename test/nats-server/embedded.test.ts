import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { access, readdir, readFile, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { jetstream, jetstreamManager } from "@nats-io/jetstream";
import { connect } from "@nats-io/transport-node";
import { afterEach, beforeAll, beforeEach, expect, test, vi } from "vitest";
import { findServerBinary } from "../../src/nats-server/binary.ts";
import {
  EmbeddedServerError,
  type EmbeddedServerOptions,
  startEmbeddedServer,
} from "../../src/nats-server/embedded.ts";
import { processIdentity, ServerOwnerError, serverFiles } from "../../src/nats-server/owner.ts";
import { freePort } from "../../src/nats-server/ready.ts";

let binary: string;
let dataDir: string;
const cleanups: (() => unknown)[] = [];
const until = (check: () => unknown) => vi.waitFor(check, { timeout: 8_000, interval: 10 });

beforeAll(async () => {
  binary = (await findServerBinary({ env: process.env })).path;
}, 360_000);
beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), "natstate-embedded-"));
});
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
  rmSync(dataDir, { recursive: true, force: true });
});

async function start(options: Partial<EmbeddedServerOptions> = {}) {
  const server = await startEmbeddedServer({ binary, dataDir, ...options });
  cleanups.push(server.stop);
  return server;
}

async function client(url: string) {
  const connection = await connect({ servers: url, reconnect: false });
  cleanups.push(() => connection.close());
  return connection;
}

async function storeOne(url: string) {
  const connection = await client(url);
  await (await jetstreamManager(connection)).streams.add({ name: "KEPT", subjects: ["kept"] });
  await jetstream(connection).publish("kept", "one");
}

async function storedCount(url: string) {
  const manager = await jetstreamManager(await client(url));
  return (await manager.streams.info("KEPT")).state.messages;
}

test("it is ready for clients and JetStream on the port it names, with the limits of nats.conf", async () => {
  const server = await start();
  const connection = await client(server.url);
  expect(connection.info).toMatchObject({ port: server.port, jetstream: true, max_payload: 2 * 1024 * 1024 });
  await storeOne(server.url);
  expect(await storedCount(server.url)).toBe(1);
  expect(await readdir(dataDir)).toContain("jetstream");
});

test("its configuration is readable by its owner only", async () => {
  await start();
  expect((await stat(serverFiles(dataDir).configFile)).mode & 0o777).toBe(0o600);
});

test("killed, it is started again on the same port with what it had stored", async () => {
  const exits: unknown[] = [];
  const server = await start({ onExit: (exit) => exits.push(exit) });
  await storeOne(server.url);
  const firstPid = server.pid;
  server.kill("SIGKILL");
  await until(async () => expect(await storedCount(server.url)).toBe(1));
  expect(server.pid).not.toBe(firstPid);
  expect(exits).toEqual([{ code: null, signal: "SIGKILL", restartInMs: 100 }]);
});

test("a client that reconnects by itself finds the restarted server", async () => {
  const server = await start();
  const connection = await connect({ servers: server.url, maxReconnectAttempts: -1, reconnectTimeWait: 20 });
  cleanups.push(() => connection.close());
  const firstServerId = connection.info?.server_id;
  server.kill("SIGKILL");
  await until(async () => {
    await connection.flush();
    expect(connection.info?.server_id).not.toBe(firstServerId);
  });
});

test("stopped, it has shut down cleanly, the port is free, and the directory can be taken again at once", async () => {
  const lines: string[] = [];
  const server = await start({ log: (line) => lines.push(line) });
  await server.stop();
  await server.stop();
  expect(await processIdentity(server.pid)).toBeUndefined();
  expect(lines).toContain("Server Exiting..");
  await expect(access(serverFiles(dataDir).ownerFile)).rejects.toThrow("ENOENT");
  await start({ port: server.port });
});

test("stopped while it is being restarted, it stays down", async () => {
  const exits: unknown[] = [];
  const server = await start({ onExit: (exit) => exits.push(exit) });
  server.kill("SIGKILL");
  await until(() => expect(exits).toHaveLength(1));
  await server.stop();
  await expect(connect({ servers: server.url, reconnect: false })).rejects.toThrow();
});

test("its log comes line by line with its level, without time and pid", async () => {
  const lines: [string, string][] = [];
  await start({ log: (line, level) => lines.push([line, level]) });
  await until(() => expect(lines).toContainEqual(["Server is ready", "info"]));
});

test("a port that is taken is a clear error, and leaves the directory free", async () => {
  const server = await start();
  const other = mkdtempSync(join(tmpdir(), "natstate-embedded-"));
  cleanups.push(() => rmSync(other, { recursive: true, force: true }));
  await expect(start({ dataDir: other, port: server.port })).rejects.toThrow(
    `port ${server.port} on 127.0.0.1 is in use. Set NATSTATE_NATS_PORT to another (0 picks a free one), or NATS_URL`,
  );
  await start({ dataDir: other });
});

test("a configuration the server refuses is a clear error with the server's own words", async () => {
  const configPath = join(dataDir, "broken.conf");
  await writeFile(configPath, "surprise: 1\n");
  await expect(start({ configPath })).rejects.toThrow(/port \d+ ended \(1\).*unknown field "surprise"/s);
});

test("a binary that is not there is a clear error", async () => {
  await expect(start({ binary: join(dataDir, "none") })).rejects.toThrow(EmbeddedServerError);
  await expect(start({ binary: join(dataDir, "none") })).rejects.toThrow(/ended \(12[67]\).*none/s);
});

test("a directory in use is refused, naming who uses it", async () => {
  const earlier = await start();
  await earlier.stop();
  await start();
  await earlier.stop();
  await expect(start()).rejects.toThrow(ServerOwnerError);
  await expect(start()).rejects.toThrow(`${dataDir} is in use: this process runs a nats-server on it`);
});

/** A daemon in a process of its own; it exits, without stopping its server, when its stdin ends. @param first - what it does before. */
async function startDaemon(first = "") {
  const module = JSON.stringify(join(import.meta.dirname, "../../src/nats-server/embedded.ts"));
  const code = `${first}; const { startEmbeddedServer } = await import(${module});
    const { pid, url } = await startEmbeddedServer(${JSON.stringify({ binary, dataDir })});
    console.log(JSON.stringify({ pid, url }));
    process.stdin.resume().on("end", () => process.exit());`;
  const daemon = spawn(process.execPath, ["--input-type=module", "-e", code], { stdio: ["pipe", "pipe", "inherit"] });
  cleanups.push(() => daemon.kill("SIGKILL"));
  const [line] = await once(createInterface({ input: daemon.stdout }), "line");
  const { pid, url }: { pid: number; url: string } = JSON.parse(line);
  cleanups.push(async () => {
    if (await processIdentity(pid)) process.kill(pid, "SIGKILL");
  });
  return { daemon, pid, url };
}

test("what a killed daemon left running is ended before the same data is served again", async () => {
  const { daemon, pid, url } = await startDaemon();
  await storeOne(url);
  await expect(start()).rejects.toThrow(`is in use: process ${daemon.pid} runs`);

  daemon.kill("SIGKILL");
  await once(daemon, "exit");
  expect(await processIdentity(pid), "the server outlives its daemon").toBeDefined();

  const lines: string[] = [];
  const server = await start({ log: (line) => lines.push(line) });
  expect(await processIdentity(pid)).toBeUndefined();
  const log = await readFile(serverFiles(dataDir).logFile, "utf8");
  expect(log, "it shut down cleanly").toMatch(new RegExp(`\\[${pid}\\].*Server Exiting`));
  expect(lines.filter((line) => line.startsWith("ending"))).toEqual([
    `ending nats-server ${pid}, left running on ${dataDir} by a daemon that died (SIGTERM)`,
  ]);
  expect(await storedCount(server.url)).toBe(1);
});

test("a daemon that exits without stopping its server takes it along", async () => {
  const { daemon, pid } = await startDaemon();
  daemon.stdin.end();
  await until(async () => expect(await processIdentity(pid)).toBeUndefined());
});

test("so does one of which something else fails at its exit", async () => {
  const { daemon, pid } = await startDaemon(`process.once("exit", () => { throw new Error("as it should") })`);
  daemon.stdin.end();
  await until(async () => expect(await processIdentity(pid)).toBeUndefined());
});

test("a process that was given a dead server's or a dead daemon's pid is left alone", async () => {
  const stranger = spawn("sleep", ["60"]);
  cleanups.push(() => stranger.kill("SIGKILL"));
  const { pidFile, ownerFile } = serverFiles(dataDir);
  await writeFile(pidFile, `${stranger.pid}\n`);
  await writeFile(ownerFile, JSON.stringify({ pid: stranger.pid, identity: "an earlier boot 1" }));
  await start();
  expect(await processIdentity(stranger.pid ?? 0)).toBeDefined();
});

test("owner and pid files cut short by a power cut do not stand in the way", async () => {
  const { pidFile, ownerFile } = serverFiles(dataDir);
  await writeFile(pidFile, "");
  await writeFile(ownerFile, '{"pid": 1');
  await start({ port: await freePort() });
});
