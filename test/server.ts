import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TopologyOptions } from "../src/jetstream/stream-configs.ts";
import { findServerBinary } from "../src/nats-server/binary.ts";
import { writeServerConfig } from "../src/nats-server/config.ts";
import { answers, freePort } from "../src/nats-server/ready.ts";

/** Streams as tests want them, where nothing else matters. */
export const TOPOLOGY: TopologyOptions = {
  ...{ partitions: 16, replicas: 1, maxAgeMs: 3_600_000, maxMessageBytes: 65_536 },
  ...{ denyPurge: false, manage: true },
};

/** A real nats-server for one test file: its own free port, its own store in the temp directory, the repo's nats.conf. */
export interface TestServer extends AsyncDisposable {
  /** For `connect({ servers })`; stays the same over restarts. */
  url: string;
  port: number;
  /** Where its streams are; kept over restarts, removed by `stop`. */
  storeDir: string;
  /** Ends it (SIGTERM) and removes the store. Safe to call twice. */
  stop(): Promise<void>;
  /** Kills it (SIGKILL) and resolves when the process is gone; the store stays. */
  kill9(): Promise<void>;
  /** Starts it again on the same port and store, ending it cleanly first if it runs; resolves when JetStream answers. */
  restart(): Promise<void>;
  /** SIGSTOP freezes it, SIGCONT thaws it. */
  signal(signal: NodeJS.Signals): void;
  /** Writes its configuration anew with these changes to nats.conf; they count from the next `restart`. */
  configure(changes: ServerChanges): Promise<void>;
}

/** A setting of nats.conf, as it stands there, and what stands in its place. */
export type ServerChanges = Readonly<Record<string, string>>;

/**
 * Starts a real nats-server and resolves when JetStream answers.
 *
 * @example `await using server = await startTestServer();` or stop it in `afterAll`.
 */
export async function startTestServer(changes: ServerChanges = {}): Promise<TestServer> {
  const binary = await findServerBinary({ env: process.env });
  const storeDir = await mkdtemp(join(tmpdir(), "natstate-test-"));
  const port = await freePort();
  const config = join(storeDir, "nats-server.conf");
  await configure(changes);
  let child: ChildProcess | undefined;

  async function configure(wanted: ServerChanges) {
    const base = join(storeDir, "base.conf");
    let text = await readFile(join(import.meta.dirname, "../nats.conf"), "utf8");
    for (const [from, to] of Object.entries(wanted)) text = text.replace(from, to);
    await writeFile(base, text);
    await writeServerConfig(config, { storeDir, port }, base);
  }

  async function start() {
    const started = spawn(binary.path, ["-c", config], { stdio: ["ignore", "ignore", "pipe"] });
    child = started;
    let log = "";
    started.stderr.on("data", (chunk) => {
      log = (log + chunk).slice(-4000);
    });
    const deadline = Date.now() + 15_000;
    while (!(await answers(port))) {
      if (started.exitCode !== null || Date.now() > deadline) throw new Error(`nats-server did not start:\n${log}`);
    }
  }

  async function end(signal: NodeJS.Signals) {
    const running = child;
    child = undefined;
    if (!running || running.exitCode !== null || running.signalCode !== null) return;
    const exited = once(running, "exit");
    running.kill(signal);
    // A frozen process hears SIGTERM only when it goes on.
    running.kill("SIGCONT");
    await exited;
  }

  async function stop() {
    await end("SIGTERM");
    await rm(storeDir, { recursive: true, force: true });
  }

  async function restart() {
    await end("SIGTERM");
    await start();
  }

  try {
    await start();
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    url: `nats://127.0.0.1:${port}`,
    port,
    storeDir,
    stop,
    kill9: () => end("SIGKILL"),
    restart,
    signal: (signal) => void child?.kill(signal),
    configure,
    [Symbol.asyncDispose]: stop,
  };
}
