import type { Logger } from "pino";
import { natsAccess } from "../config/config.ts";
import { maskUrl } from "../config/values.ts";
import { readCredentials } from "../jetstream/connect.ts";
import { openSession, type SessionEvent } from "../jetstream/session.ts";
import { QUERY_SERVICE } from "../wire/names.ts";
import { type OwnServerOptions, startOwnServer } from "./nats-setup.ts";
import type { Connection, Parts } from "./parts.ts";

/**
 * Starts the embedded server when there is no other, and connects; all of it ends with the stack.
 *
 * @throws NatsSetupError, ServerBinaryError or EmbeddedServerError.
 */
export async function connect(
  options: Pick<Parts, "patiently" | "onFatal"> & OwnServerOptions,
  stack: AsyncDisposableStack,
): Promise<Connection> {
  const { config, logger, patiently, onFatal } = options;
  const embedded = await startOwnServer(options);
  if (embedded !== undefined) stack.defer(() => embedded.stop());
  const natsUrl = config.NATS_URL ?? embedded?.url ?? "";
  const server = { url: natsUrl, ...readCredentials(natsAccess(config)) };
  const listeners: Parameters<Connection["onReturn"]>[0][] = [];
  const onEvent = (event: SessionEvent) => {
    if (event === "reconnected" || event === "moved") for (const listener of listeners) listener(event);
  };
  const open = (name: string, log: Told) =>
    patiently(() =>
      openSession({ ...server, name }, (event, why = "") => {
        log(event, why);
        onEvent(event);
      }),
    );
  const told = tellOf(natsUrl, logger, onFatal);
  const session = await open(QUERY_SERVICE, told);
  stack.defer(() => session.close());
  const readings = await open(`${QUERY_SERVICE}-events`, (event, why) => {
    if (event === "closed") told(event, why);
    else if (event !== "reconnected" && event !== "moved")
      logger.debug(`the reading connection is ${event}, reconnecting`);
  });
  stack.defer(() => readings.close());
  return {
    natsUrl,
    session,
    readings,
    isConnected: () => session.isConnected() && readings.isConnected(),
    onReturn: (listener) => void listeners.push(listener),
  };
}

type Told = (event: SessionEvent, why: string) => void;

const LINES = {
  reconnected: ["info", "NATS is back"],
  disconnected: ["warn", "NATS is away, reconnecting"],
  moving: ["warn", "JetStream does not answer there, trying another server"],
  moved: ["info", "connected to another server"],
} as const;

function tellOf(natsUrl: string, logger: Logger, onFatal: (error: Error) => void): Told {
  const nats = maskUrl(natsUrl);
  return (event, why) => {
    if (event === "closed") return onFatal(new Error(`the connection to NATS was closed for good: ${why}`));
    const refused = ["warn", `NATS ${why}: tried again, with NATS_CREDS as they are then`] as const;
    const [level, line] = event === "refused" ? refused : LINES[event];
    logger[level]({ nats }, line);
  };
}
