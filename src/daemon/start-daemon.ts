import { setTimeout as delay } from "node:timers/promises";
import type { Logger } from "pino";
import type { ActorType } from "../actor/actor-type.ts";
import { ConfigError, readConfig } from "../config/config.ts";
import type { Health } from "../ops/health.ts";
import { createLogger } from "../ops/log.ts";
import { openDaemon } from "./daemon.ts";

/** What a program gives that hosts the daemon itself. */
export interface HostedOptions {
  readonly actors: readonly ActorType[];
  /** Settings, as `natstate start` reads them (docs/reference.md). Absent: `process.env`. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Absent: as `natstate start` logs, JSON on standard output at NATSTATE_LOG_LEVEL. */
  readonly logger?: Logger;
  /** Told of what only a person can resolve; the daemon reads no more, and goes on answering until it is stopped. */
  readonly onFatal?: (error: Error) => void;
  /** Aborted: a start that waits for NATS, or to be ready, closes what it has opened and rejects. */
  readonly signal?: AbortSignal;
}

/** A daemon within a program of yours. */
export interface HostedDaemon {
  /** For clients; may carry user and password. */
  readonly natsUrl: string;
  /** Null when NATSTATE_HTTP is off. */
  readonly httpUrl: string | null;
  /** As `/readyz` has it. `fatal`: what only a person can resolve, once there is any; then it is not ready. */
  health(): Health & { readonly fatal?: string };
  /** Takes no more, applies what has arrived, publishes what is due, closes; within 10 s. Safe to call twice. */
  stop(): Promise<void>;
}

const LOOK_EVERY_MS = 20;
/** What keeps it from being ready for longer is not the start's. */
const READY_MS = 10_000;

/**
 * Runs the daemon in this process, as `natstate start` does in one of its own. Signals, the end of the process and its umask
 * are the program's. Several can run beside each other, each with its own NATSTATE_DATA, NATSTATE_HTTP and NATSTATE_NATS_PORT.
 *
 * It resolves when the daemon is ready for the first time, or after 10 s: `health()` then says what keeps it from being so, which
 * it goes on trying to mend. It waits for a NATS that cannot be reached as `natstate start` does, until `signal`.
 *
 * @throws ConfigError with all that is wrong with the actor types or settings; StoreError, NatsSetupError,
 *   StreamIdentityError, ServerBinaryError or EmbeddedServerError when it cannot start: the message says what to do.
 */
export async function startDaemon(options: HostedOptions): Promise<HostedDaemon> {
  const { actors, env = process.env, onFatal = () => {}, signal } = options;
  const config = readConfig(env);
  if (config.NATSTATE_DAEMONS > 1) {
    throw new ConfigError(["NATSTATE_DAEMONS: a program that hosts the daemon has one; natstate start runs several"]);
  }
  const { logger = createLogger({ level: config.NATSTATE_LOG_LEVEL, pretty: false, destination: process.stdout }) } =
    options;
  let fatal: Error | undefined;
  const daemon = await openDaemon({
    config,
    env,
    types: actors,
    logger,
    onFatal(error) {
      fatal ??= error;
      logger.error({ err: error }, error.message);
      onFatal(error);
    },
    onProgress: (message) => logger.info(message),
    ...(signal && { signal }),
  });
  const { natsUrl, httpUrl, stop } = daemon;
  const health: HostedDaemon["health"] = () =>
    fatal === undefined ? daemon.health() : { ...daemon.health(), ready: false, fatal: fatal.message };
  try {
    await untilReady(health, signal);
  } catch (error) {
    await stop();
    throw error;
  }
  return { natsUrl, httpUrl, health, stop };
}

/** @throws the reason of the signal. */
async function untilReady(health: HostedDaemon["health"], signal: AbortSignal | undefined): Promise<void> {
  const endMs = performance.now() + READY_MS;
  for (;;) {
    signal?.throwIfAborted();
    const { ready, fatal } = health();
    if (ready || fatal !== undefined || performance.now() >= endMs) return;
    await delay(LOOK_EVERY_MS);
  }
}
