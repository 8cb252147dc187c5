import { randomUUID } from "node:crypto";
import { resolve } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { type ServerSettings, writeServerConfig } from "./config.ts";
import type { ServerLogLevel } from "./log.ts";
import { leaveDataDir, serverFiles, takeDataDir } from "./owner.ts";
import { createPauses } from "./pauses.ts";
import { type ServerExit, type ServerProcess, spawnServer } from "./process.ts";
import { answers, freePort, LOOPBACK } from "./ready.ts";

export interface EmbeddedServerOptions {
  /** Path of the executable, see `findServerBinary`. */
  binary: string;
  /** The streams, the configuration, the log and the pid are kept here; made when missing. */
  dataDir: string;
  /** The configuration to start from; the repo's nats.conf when absent. */
  configPath?: string;
  /** 0 or absent: a free one, kept for as long as this server is supervised. */
  port?: number;
  /** Each line of the server's log. */
  log?: (line: string, level: ServerLogLevel) => void;
  /** Called when the server has died although nobody asked it to, with the time until it is started again. */
  onExit?: (exit: ServerExit & { restartInMs: number }) => void;
}

export type EmbeddedServer = Awaited<ReturnType<typeof startEmbeddedServer>>;

/** The server could not be started; its last lines are in the message. */
export class EmbeddedServerError extends Error {
  override name = "EmbeddedServerError";
}

/** A large store is read first. */
const readyTimeoutMs = 60_000;
const stopGraceMs = 8_000;
const restartPauses = { firstMs: 100, longestMs: 5_000, steadyMs: 10_000 };

/**
 * Starts nats-server as a child process on loopback and resolves when JetStream answers; when it dies it is started
 * again on the same port and data. A server that a killed daemon left running on `dataDir` is ended first.
 *
 * When this process exits without `stop`, the server is sent SIGTERM.
 *
 * @throws ServerOwnerError when another live daemon owns `dataDir`; EmbeddedServerError when the server does not start.
 */
export async function startEmbeddedServer(options: EmbeddedServerOptions) {
  const { binary, configPath, log = () => {} } = options;
  const dataDir = resolve(options.dataDir);
  const files = serverFiles(dataDir);

  await takeDataDir(dataDir, (line) => log(line, "warn"), stopGraceMs);
  try {
    const port = options.port || (await freePort());
    // A name of its own: on a port that is taken, the server that has it answers before ours has failed.
    const name = `natstate-${randomUUID()}`;
    await writeServerConfig(files.configFile, { port, name, storeDir: dataDir }, configPath);

    let stopped: Promise<void> | undefined;
    const supervised = await supervise(() => spawnServer(binary, files, log), { port, name }, options);
    return {
      url: `nats://${LOOPBACK}:${port}`,
      port,
      /** Of the present process; another one after a restart. */
      get pid() {
        return supervised.process().pid;
      },
      /** Signals the present process; it is started again when that ends it. */
      kill: (signal: NodeJS.Signals) => supervised.process().kill(signal),
      /** Ends it: SIGTERM, after 8 s SIGKILL. Resolves when it is gone and the directory is free. Safe to call twice. */
      stop: () => {
        // Once only: a second call must not give back a directory that somebody else has taken since.
        stopped ??= supervised.stop().then(() => leaveDataDir(dataDir));
        return stopped;
      },
    };
  } catch (error) {
    await leaveDataDir(dataDir);
    throw error;
  }
}

/** A server of ours; the name is asked for, as another one may have the port. */
type Address = Pick<ServerSettings, "port" | "name">;

/** Starts a server, waits until it is ready, and starts it anew whenever it ends, until `stop`. */
async function supervise(start: () => ServerProcess, address: Address, options: EmbeddedServerOptions) {
  const { onExit = () => {} } = options;
  const stopping = new AbortController();
  let server = start();
  let startedAt = performance.now();
  const endWithParent = () => server.kill("SIGTERM");
  // Before whoever removes its directory: what that throws must not leave it running.
  process.prependOnceListener("exit", endWithParent);

  async function keepRunning() {
    const pauseAfter = createPauses(restartPauses);
    for (;;) {
      const exit = await server.exited;
      if (stopping.signal.aborted) return;
      const restartInMs = pauseAfter(performance.now() - startedAt);
      onExit({ ...exit, restartInMs });
      await delay(restartInMs, undefined, { signal: stopping.signal }).catch(() => {});
      if (stopping.signal.aborted) return;
      startedAt = performance.now();
      server = start();
    }
  }

  try {
    await untilReady(server, address);
  } catch (error) {
    process.off("exit", endWithParent);
    throw error;
  }
  const kept = keepRunning();
  return {
    process: () => server,
    stop: async () => {
      stopping.abort();
      await end(server);
      await kept;
      process.off("exit", endWithParent);
    },
  };
}

/** Resolves when it answers. When it ends or takes too long it is ended and this rejects with its last lines. */
async function untilReady(server: ServerProcess, { port, name }: Address): Promise<void> {
  const deadline = Date.now() + readyTimeoutMs;
  while (server.running() && Date.now() < deadline) {
    if (await answers(port, name)) return;
  }
  const timedOut = server.running();
  await end(server);
  const { code, signal, error } = await server.exited;
  // The second wording is that of Windows.
  const taken = new RegExp(`:${port}: bind: (address already in use|Only one usage)`, "i");
  if (!timedOut && taken.test(server.lastLines())) {
    throw new EmbeddedServerError(
      `port ${port} on ${LOOPBACK} is in use. Set NATSTATE_NATS_PORT to another (0 picks a free one), or NATS_URL to use the NATS that is there.`,
    );
  }
  const how = timedOut ? `did not answer within ${readyTimeoutMs} ms` : `ended (${error?.message ?? signal ?? code})`;
  throw new EmbeddedServerError(`nats-server on port ${port} ${how}. Its last lines:\n${server.lastLines()}`);
}

async function end(server: ServerProcess): Promise<void> {
  server.kill("SIGTERM");
  const timer = setTimeout(() => server.kill("SIGKILL"), stopGraceMs);
  await server.exited;
  clearTimeout(timer);
}
