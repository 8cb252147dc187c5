import type { Logger } from "pino";
import { natsAccess } from "../config/config.ts";
import { maskUrl } from "../config/values.ts";
import { readCredentials } from "../jetstream/connect.ts";
import type { Patience } from "../jetstream/patience.ts";
import { openSession, type SessionEvent } from "../jetstream/session.ts";
import { QUERY_SERVICE } from "../wire/names.ts";
import { type OwnServerOptions, startOwnServer } from "./nats-setup.ts";

/** The daemon's way to NATS: two connections to one server or cluster. */
export type Connection = Awaited<ReturnType<typeof connect>>;

/**
 * Starts the embedded server when there is no other, and connects; all of it ends with the stack.
 *
 * @throws NatsSetupError, ServerBinaryError or EmbeddedServerError.
 */
export async function connect(
  options: OwnServerOptions & { readonly patiently: Patience; readonly onFatal: (error: Error) => void },
  stack: AsyncDisposableStack,
) {
  const { config, logger, patiently, onFatal } = options;
  const embedded = await startOwnServer(options);
  if (embedded !== undefined) stack.defer(() => embedded.stop());
  const natsUrl = config.NATS_URL ?? embedded?.url ?? "";
  const server = { url: natsUrl, ...readCredentials(natsAccess(config)) };
  const listeners: ((how: "reconnected" | "moved") => void)[] = [];
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
    /** For all but deliveries. */
    session,
    /** For deliveries alone: answers must not wait behind the thousands of events on their way to us. */
    readings,
    /** Both. */
    isConnected: () => session.isConnected() && readings.isConnected(),
    /**
     * Told whenever one of them is back, or has moved to another server because JetStream did not answer at its own: what
     * was asked before is lost.
     */
    onReturn: (listener: (typeof listeners)[number]) => void listeners.push(listener),
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
