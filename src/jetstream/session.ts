import { type JetStreamClient, type JetStreamManager, jetstream, jetstreamManager } from "@nats-io/jetstream";
import { createInbox, type NatsConnection } from "@nats-io/transport-node";
import { maskUrl } from "../config/values.ts";
import { connectNats, isRefusal, NatsAwayError, type NatsOptions, refusedBecause } from "./connect.ts";
import { permissionError } from "./permission.ts";

/** One connection to NATS with its JetStream clients. */
export interface Session {
  readonly nc: NatsConnection;
  readonly js: JetStreamClient;
  readonly jsm: JetStreamManager;
  isConnected(): boolean;
  /** Why the server does not let us in again, as it says; undefined unless it does so now. */
  refusal(): string | undefined;
  /** A subject for one answer, under the prefix this connection may listen to. */
  newInbox(): string;
  /** Sends what is buffered, then closes. */
  close(): Promise<void>;
}

/** What happened to the connection. `refused` is told once for each answer of the server in an outage, with that answer. */
export type SessionEvent = "disconnected" | "refused" | "reconnected" | "closed";

/**
 * Connects and tells of every loss and return of the connection.
 *
 * @throws NatsSetupError see {@link connectNats}; NatsAwayError also when JetStream does not answer there.
 */
export async function openSession(
  options: NatsOptions,
  onEvent: (event: SessionEvent, why?: string) => void,
): Promise<Session> {
  const nc = await connectNats(options);
  let connected = true;
  let closing = false;
  let refusal: string | undefined;
  /** In this outage. */
  const told = new Set<string>();
  void (async () => {
    for await (const status of nc.status()) {
      // The client says it of each attempt that is refused, and pays each back with a return at the end.
      if (status.type === "disconnect" && connected) {
        connected = false;
        onEvent("disconnected");
      }
      if (status.type === "reconnect" && !connected) {
        connected = true;
        refusal = undefined;
        told.clear();
        onEvent("reconnected");
      }
      if (status.type === "error" && isRefusal(status.error)) {
        refusal = refusedBecause(status.error.message);
        if (told.has(refusal)) continue;
        told.add(refusal);
        onEvent("refused", refusal);
      }
    }
  })();
  void nc.closed().then((error) => {
    connected = false;
    if (!closing) onEvent("closed", error?.message);
  });
  const js = jetstream(nc, { timeout: 5000 });
  const jsm = await jetstreamManager(nc, { timeout: 5000 }).catch(async (error: Error) => {
    closing = true;
    await nc.close();
    if (permissionError(error) !== undefined) throw error;
    throw new NatsAwayError(
      "no_jetstream",
      `JetStream does not answer at ${maskUrl(options.url)}: ${error.message}`,
      "Is it enabled there, and are enough servers of the cluster up?",
      { cause: error },
    );
  });
  return {
    nc,
    js,
    jsm,
    isConnected: () => connected,
    refusal: () => refusal,
    newInbox: () => createInbox(options.inboxPrefix),
    async close() {
      closing = true;
      // Draining waits for the server; one that is gone must not hold up the end.
      await Promise.race([nc.drain().catch(() => {}), new Promise((resolve) => setTimeout(resolve, 1000).unref())]);
      await nc.close();
    },
  };
}
