import { join } from "node:path";
import type { Logger } from "pino";
import type { Config } from "../config/config.ts";
import type { TopologyOptions } from "../jetstream/stream-configs.ts";
import { findServerBinary } from "../nats-server/binary.ts";
import { type EmbeddedServer, startEmbeddedServer } from "../nats-server/embedded.ts";

export interface OwnServerOptions {
  readonly config: Config;
  readonly env: NodeJS.ProcessEnv;
  readonly logger: Logger;
  /** For long steps, such as fetching a server. */
  readonly onProgress?: ((message: string) => void) | undefined;
}

/**
 * Starts the embedded nats-server the configuration speaks of; undefined when NATS_URL names another one.
 *
 * @throws ServerBinaryError, ServerOwnerError or EmbeddedServerError when it does not start.
 */
export async function startOwnServer(options: OwnServerOptions): Promise<EmbeddedServer | undefined> {
  const { config, env, logger, onProgress } = options;
  if (config.NATS_URL !== undefined) return undefined;
  const binary = await findServerBinary({ env, onProgress });
  return startEmbeddedServer({
    binary: binary.path,
    dataDir: join(config.NATSTATE_DATA, "nats"),
    port: config.NATSTATE_NATS_PORT,
    log: (line, level) => logger[level === "info" ? "debug" : level]({ source: "nats-server" }, line),
    onExit: (exit) => logger.error(exit, "the embedded nats-server died, starting it again"),
  });
}

/** The streams and consumers the configuration asks for. */
export function topologyOf(config: Config): TopologyOptions {
  return {
    partitions: config.NATSTATE_PARTITIONS,
    replicas: config.NATSTATE_REPLICAS,
    maxAgeMs: config.NATSTATE_MAX_AGE,
    maxMessageBytes: config.NATSTATE_MAX_MESSAGE_BYTES,
    maxBytes: config.NATSTATE_MAX_BYTES,
    denyPurge: config.NATSTATE_DENY_PURGE,
    manage: config.NATSTATE_MANAGE_STREAMS,
  };
}
