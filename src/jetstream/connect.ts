import { JetStreamApiCodes, JetStreamApiError } from "@nats-io/jetstream";
import { Servers } from "@nats-io/nats-core/internal";
import { connect, errors, type NatsConnection } from "@nats-io/transport-node";
import { maskUrl } from "../config/values.ts";
import { accessOptions, fileAuthenticator, type NatsAccess } from "./access.ts";
import { guardHeaders } from "./message-headers.ts";

/** The oldest nats-server whose consumers can be reset (`$JS.API.CONSUMER.RESET`). */
const MIN_SERVER = "2.14.0";

export interface NatsOptions extends NatsAccess {
  /** One or more URLs, comma-separated; user and password may be part of them. */
  readonly url: string;
  /** Name shown in the server's connection list. */
  readonly name: string;
  /** Give up the first connection after this; once connected, reconnects go on for ever. */
  readonly timeoutMs?: number;
  /** False: a server on which JetStream does not answer will do as well. */
  readonly needsJetStream?: boolean;
  /** Asked before each dial which of these servers, named as `getServer` does, is to be next; undefined: any will do. */
  readonly nextServer?: (servers: readonly string[]) => string | undefined;
}

/** NATS or its configuration is not what natstate needs; the message says what to do. */
export class NatsSetupError extends Error {
  override readonly name = "NatsSetupError";
}

/** Why NATS cannot be used now. */
export type Away = "nobody" | "unknown_host" | "refused" | "no_jetstream" | "failed";

/** NATS cannot be used now, and may be in a moment. */
export class NatsAwayError extends NatsSetupError {
  readonly why: Away;
  /** What is the case, without a full stop. */
  readonly what: string;
  /** What to look at, a question. */
  readonly advice: string;

  constructor(why: Away, what: string, advice: string, options?: ErrorOptions) {
    super(`${what}. ${advice}`, options);
    this.why = why;
    this.what = what;
    this.advice = advice;
  }
}

/**
 * Connects, and keeps reconnecting for ever with a backoff of 0.25 to 2 s once it has been connected, refused or not:
 * credentials are read anew each time.
 *
 * @throws NatsAwayError when nothing answers or the credentials are refused; NatsSetupError when the credentials cannot
 *   be read or the server is older than 2.14.
 */
export async function connectNats(options: NatsOptions): Promise<NatsConnection> {
  guardHeaders();
  const access = accessOptions(options.url, readCredentials(options));
  let connection: NatsConnection;
  try {
    connection = await connect({
      ...access,
      name: options.name,
      timeout: options.timeoutMs ?? 5000,
      maxReconnectAttempts: -1,
      // Two refusals in a row, as while a server reloads, would end the connection for good.
      ignoreAuthErrorAbort: true,
      reconnectTimeWait: 250,
      reconnectJitter: 250,
      pingInterval: 2_000,
      maxPingOut: 2,
      // The client's first dial after it was connected is to the same server.
      reconnectToServer(servers) {
        const next = options.nextServer?.(servers.map(({ listen }) => listen));
        return servers.find(({ listen }) => listen === next) ?? null;
      },
      // Async stack traces cost 37 us a request.
      noAsyncTraces: true,
    });
  } catch (error) {
    throw away(maskUrl(options.url), error as Error);
  }
  const version = connection.info?.version ?? "0.0.0";
  if (version.localeCompare(MIN_SERVER, "en", { numeric: true }) < 0) {
    await connection.close();
    throw new NatsSetupError(
      `nats-server at ${maskUrl(options.url)} is ${version}, natstate needs ${MIN_SERVER} or newer (consumer reset). Upgrade it, or unset NATS_URL to use an embedded one.`,
    );
  }
  return connection;
}

/**
 * Connects to one of the other servers of the cluster that a connection is to, once; to none that is the same under another
 * name.
 *
 * @param timeoutMs - for each of them.
 * @returns undefined when none answers.
 */
export async function connectElsewhere(
  here: NatsConnection,
  options: NatsOptions,
  timeoutMs: number,
): Promise<NatsConnection | undefined> {
  try {
    const access = accessOptions(options.url, readCredentials(options));
    const known = [access.servers ?? []].flat().concat(here.info?.connect_urls ?? []);
    const servers = asListened(known);
    let others = servers.filter((server) => server !== here.getServer());
    while (others.length > 0) {
      const name = `${options.name}-elsewhere`;
      const other = await connect({ ...access, servers: others, name, timeout: timeoutMs, reconnect: false });
      if (other.info?.server_id !== here.info?.server_id) return other;
      const same = other.getServer();
      await other.close();
      if (!others.includes(same)) break;
      others = others.filter((server) => server !== same);
    }
    return undefined;
  } catch {
    return undefined;
  }
}

/** Servers as `getServer` names them: with their port, in lower case, each once. */
function asListened(urls: readonly string[]): readonly string[] {
  const servers = new Servers();
  for (const url of urls) servers.addServer(url);
  return [...new Set(servers.getServers().map(({ listen }) => listen))];
}

/**
 * The same access with its credentials read: who connects again and again with it survives a file that is just being
 * replaced.
 *
 * @throws NatsSetupError when they cannot be read.
 */
export function readCredentials<Access extends NatsAccess>(access: Access): Access {
  const { creds } = access;
  if (typeof creds !== "string") return access;
  try {
    return { ...access, creds: fileAuthenticator(creds) };
  } catch (error) {
    throw new NatsSetupError(`NATS_CREDS: ${(error as Error).message}`, { cause: error });
  }
}

/** What to look at depends on who has said no. */
function away(url: string, error: Error): NatsAwayError {
  const { message } = error;
  const options = { cause: error };
  if (isRefusal(error)) return new NatsAwayError("refused", `NATS at ${url} ${refusedBecause(message)}`, WHO, options);
  const what = `no NATS connection to ${url}: ${message}`;
  if (/ENOTFOUND|EAI_AGAIN/.test(message)) {
    return new NatsAwayError("unknown_host", what, "Is the host's name right, and does this machine know it?", options);
  }
  const why = /refused|timeout|EHOSTUNREACH|ENETUNREACH/i.test(message) ? "nobody" : "failed";
  const advice = "Is nats-server running there? Without NATS_URL natstate starts its own.";
  return new NatsAwayError(why, what, advice, options);
}

const WHO = "Are the user and password in NATS_URL, or NATS_CREDS, those it knows?";

/** Does the server not let us in? */
export function isRefusal(error: Error): boolean {
  return error instanceof errors.AuthorizationError || error instanceof errors.UserAuthenticationExpiredError;
}

/** @param message - the server's own. */
export function refusedBecause(message: string): string {
  return `refuses who we are (${message})`;
}

/** The JetStream API's own error code (`err_code`), or undefined for any other error. */
export function apiErrorCode(error: unknown): number | undefined {
  return error instanceof JetStreamApiError ? error.code : undefined;
}

/** Does the server say that there is no such stream? */
export function isStreamMissing(error: unknown): boolean {
  return apiErrorCode(error) === JetStreamApiCodes.StreamNotFound;
}

/** NATS says that nobody subscribes to a subject. */
export function isNobody(error: unknown): boolean {
  const cause = error instanceof errors.RequestError ? error.cause : error;
  return cause instanceof errors.NoRespondersError;
}
