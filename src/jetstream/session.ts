import { type JetStreamClient, type JetStreamManager, jetstream, jetstreamManager } from "@nats-io/jetstream";
import { createInbox, type NatsConnection } from "@nats-io/transport-node";
import { maskUrl } from "../setting-values.ts";
import { connectNats, type NatsOptions, NatsSetupError } from "./connect.ts";

/** One connection to NATS with its JetStream clients. */
export interface Session {
  readonly nc: NatsConnection;
  readonly js: JetStreamClient;
  readonly jsm: JetStreamManager;
  isConnected(): boolean;
  /** A subject for one answer, under the prefix this connection may listen to. */
  newInbox(): string;
  /** Sends what is buffered, then closes. */
  close(): Promise<void>;
}

/** What happened to the connection. */
export type SessionEvent = "disconnected" | "reconnected" | "closed";

/**
 * Connects and tells of every loss and return of the connection.
 *
 * @throws NatsSetupError see {@link connectNats}; also when JetStream is not enabled there.
 */
export async function openSession(options: NatsOptions, onEvent: (event: SessionEvent) => void): Promise<Session> {
  const nc = await connectNats(options);
  let connected = true;
  let closing = false;
  void (async () => {
    for await (const status of nc.status()) {
      if (status.type === "disconnect") {
        connected = false;
        onEvent("disconnected");
      }
      if (status.type === "reconnect") {
        connected = true;
        onEvent("reconnected");
      }
    }
  })();
  void nc.closed().then(() => {
    connected = false;
    if (!closing) onEvent("closed");
  });
  const js = jetstream(nc, { timeout: 5000 });
  const jsm = await jetstreamManager(nc, { timeout: 5000 }).catch(async (error: Error) => {
    closing = true;
    await nc.close();
    throw new NatsSetupError(`JetStream does not answer at ${maskUrl(options.url)}: ${error.message}`, {
      cause: error,
    });
  });
  return {
    nc,
    js,
    jsm,
    isConnected: () => connected,
    newInbox: () => createInbox(options.inboxPrefix),
    async close() {
      closing = true;
      // Draining waits for the server; one that is gone must not hold up the end.
      await Promise.race([nc.drain().catch(() => {}), new Promise((resolve) => setTimeout(resolve, 1000).unref())]);
      await nc.close();
    },
  };
}
