import { JetStreamApiError } from "@nats-io/jetstream";
import { connect, type NatsConnection } from "@nats-io/transport-node";
import { maskUrl } from "../setting-values.ts";
import { accessOptions, type NatsAccess } from "./access.ts";
import { guardHeaders } from "./message-headers.ts";

/** The oldest nats-server whose consumers can be reset (`$JS.API.CONSUMER.RESET`). */
export const MIN_SERVER = [2, 14, 0] as const;

/** How to reach NATS. */
export interface NatsOptions extends NatsAccess {
  /** One or more URLs, comma-separated; user and password may be part of them. */
  readonly url: string;
  /** Name shown in the server's connection list. */
  readonly name: string;
  /** Give up the first connection after this; once connected, reconnects go on for ever. */
  readonly timeoutMs?: number;
}

/** NATS or its configuration is not what natstate needs; the message says what to do. */
export class NatsSetupError extends Error {
  override readonly name = "NatsSetupError";
}

/**
 * Connects, and keeps reconnecting for ever with a backoff of 0.25 to 2 s once it has been connected.
 *
 * @throws NatsSetupError when nothing answers, when the credentials are refused or when the server is older than 2.14.
 */
export async function connectNats(options: NatsOptions): Promise<NatsConnection> {
  guardHeaders();
  let connection: NatsConnection;
  try {
    connection = await connect({
      ...accessOptions(options.url, options),
      name: options.name,
      timeout: options.timeoutMs ?? 5000,
      maxReconnectAttempts: -1,
      reconnectTimeWait: 250,
      reconnectJitter: 250,
      pingInterval: 2_000,
      maxPingOut: 2,
      // Async stack traces cost 37 us a request (FACTS, 29).
      noAsyncTraces: true,
    });
  } catch (error) {
    throw new NatsSetupError(
      `no NATS connection to ${maskUrl(options.url)}: ${(error as Error).message}. Is nats-server running there? Without NATS_URL natstate starts its own.`,
      { cause: error },
    );
  }
  const version = connection.info?.version ?? "0.0.0";
  if (!isNewEnough(version)) {
    await connection.close();
    throw new NatsSetupError(
      `nats-server at ${maskUrl(options.url)} is ${version}, natstate needs ${MIN_SERVER.join(".")} or newer (consumer reset). Upgrade it, or unset NATS_URL to use an embedded one.`,
    );
  }
  return connection;
}

/** Does a `x.y.z` version have consumer reset? */
export function isNewEnough(version: string): boolean {
  const parts = version.split(/[.-]/).map(Number);
  for (const [index, least] of MIN_SERVER.entries()) {
    const part = parts[index] ?? 0;
    if (part !== least) return part > least;
  }
  return true;
}

/** The JetStream API's own error code (`err_code`), or undefined for any other error. */
export function apiErrorCode(error: unknown): number | undefined {
  return error instanceof JetStreamApiError ? error.code : undefined;
}
