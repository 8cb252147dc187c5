import { type JetStreamClient, type JetStreamManager, jetstream, jetstreamManager } from "@nats-io/jetstream";
import { createInbox, type NatsConnection } from "@nats-io/transport-node";
import { maskUrl } from "../config/values.ts";
import {
  connectElsewhere,
  connectNats,
  isRefusal,
  NatsAwayError,
  type NatsOptions,
  refusedBecause,
} from "./connect.ts";
import { insistOnAnswers } from "./insistent-questions.ts";
import { permissionError } from "./permission.ts";

/** One connection to NATS with its JetStream clients. */
export interface Session {
  readonly nc: NatsConnection;
  readonly js: JetStreamClient;
  readonly jsm: JetStreamManager;
  isConnected(): boolean;
  /** Why the server does not let us in again, as it says; undefined unless it does so now. */
  refusal(): string | undefined;
  /** A connection to another server of the cluster, to be closed soon; undefined when none answers within so many ms each. */
  connectElsewhere(timeoutMs: number): Promise<NatsConnection | undefined>;
  /** Another server does better: goes to it. @param to - as `getServer` names it; else the next one. */
  leaveServer(to?: string): void;
  /** A subject for one answer, under the prefix this connection may listen to. */
  newInbox(): string;
  /** Sends what is buffered, then closes. */
  close(): Promise<void>;
}

/**
 * What happened to the connection. `refused` is told once for each answer of the server in an outage, with that answer.
 * `moving`: JetStream does not answer at a server, and another one is tried; then it has `moved`.
 */
export type SessionEvent = "disconnected" | "refused" | "reconnected" | "closed" | "moving" | "moved";

/** Until the next server is tried where JetStream does not answer anywhere: twice as long each time. */
const MOVE_MS = { least: 10_000, most: 60_000 } as const;

/**
 * Connects and tells of every loss and return of the connection.
 *
 * @throws NatsSetupError see {@link connectNats}; NatsAwayError also when JetStream does not answer there.
 */
export async function openSession(
  options: NatsOptions,
  onEvent: (event: SessionEvent, why?: string) => void,
): Promise<Session> {
  const left = createLeft();
  const nc = await connectNats({ ...options, nextServer: left.take });
  let connected = true;
  let isMoving = false;
  let closing = false;
  let refusal: string | undefined;
  /** In this outage. */
  const told = new Set<string>();
  void (async () => {
    for await (const status of nc.status()) {
      // The client says it of each attempt that is refused, and pays each back with a return at the end.
      if (status.type === "disconnect" && connected) {
        connected = false;
        onEvent(isMoving ? "moving" : "disconnected");
      }
      if (status.type === "reconnect" && !connected) {
        connected = true;
        refusal = undefined;
        told.clear();
        onEvent(isMoving ? "moved" : "reconnected");
        isMoving = false;
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
  const mayMove = createMoves();
  /** A server that is cut off from the others keeps its clients, and can do nothing for them. */
  function leaveServer(to?: string): void {
    if (!connected || isMoving || closing) return;
    isMoving = true;
    left.note(nc.getServer(), to);
    nc.reconnect().catch(() => {
      isMoving = false;
    });
  }
  const insistent = insistOnAnswers(nc, (heardMs) => {
    const isAlone = !options.url.includes(",") && (nc.info?.connect_urls?.length ?? 0) < 2;
    if (!isAlone && mayMove(heardMs)) leaveServer();
  });
  const js = jetstream(insistent, { timeout: 5000 });
  const checkAPI = options.needsJetStream ?? true;
  const jsm = await jetstreamManager(insistent, { timeout: 5000, checkAPI }).catch(async (error: Error) => {
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
    connectElsewhere: (timeoutMs) => connectElsewhere(nc, options, timeoutMs),
    leaveServer,
    newInbox: () => createInbox(options.inboxPrefix),
    async close() {
      closing = true;
      // Draining waits for the server; one that is gone must not hold up the end.
      await Promise.race([nc.drain().catch(() => {}), new Promise((resolve) => setTimeout(resolve, 1000).unref())]);
      await nc.close();
    },
  };
}

/** The server that is left, for one dial: where no other one is there, it is better than none. */
function createLeft() {
  let left: { readonly from: string; readonly to: string | undefined } | undefined;
  return {
    note(from: string, to: string | undefined): void {
      left = { from, to };
    },
    take(servers: readonly string[]): string | undefined {
      if (left === undefined) return undefined;
      const { from, to } = left;
      left = undefined;
      return servers.find((server) => server === to) ?? servers.find((server) => server !== from);
    },
  };
}

/** @returns says whether the next server may be tried now. */
function createMoves(): (heardMs: number) => boolean {
  let movedMs = Number.NEGATIVE_INFINITY;
  let restMs: number = MOVE_MS.least;
  return (heardMs) => {
    const now = performance.now();
    if (heardMs > movedMs) restMs = MOVE_MS.least;
    else if (now - movedMs < restMs) return false;
    else restMs = Math.min(2 * restMs, MOVE_MS.most);
    movedMs = now;
    return true;
  };
}
