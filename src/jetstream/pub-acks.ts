import { JetStreamApiError, type PubAck } from "@nats-io/jetstream";
import { type Msg, type MsgHdrs, PermissionViolationError, TimeoutError } from "@nats-io/transport-node";
import { SYSTEM_CLOCK } from "../flow/clock.ts";
import type { Session } from "./session.ts";

export interface StreamMessage {
  readonly subject: string;
  readonly body: string | Uint8Array;
  readonly header: MsgHdrs;
}

/** Publishes to streams, many messages at a time. */
export type StreamPublisher = ReturnType<typeof createStreamPublisher>;

interface Waiting {
  readonly subject: string;
  readonly deadline: number;
  readonly resolve: (ack: PubAck) => void;
  readonly reject: (error: Error) => void;
}

const TIMEOUT_MS = 5000;
/** How late a timeout may be. */
const SWEEP_MS = 250;

/**
 * One subscription takes all acknowledgements, one timer all timeouts. The client's own `js.publish` costs 21 us a
 * message where this costs 8: for each it makes a timer, a race and an error with a stack that nobody sees.
 */
export function createStreamPublisher({ nc, newInbox }: Session, timeoutMs = TIMEOUT_MS, clock = SYSTEM_CLOCK) {
  const inbox = newInbox();
  /** By token, in the order of their deadlines. */
  const waiting = new Map<string, Waiting>();
  let count = 0;
  const subscription = nc.subscribe(`${inbox}.*`, {
    callback(error, message) {
      if (error === null) settle(message);
    },
  });
  let cancelSweep = clock.after(SWEEP_MS, sweep);

  function sweep(): void {
    cancelSweep = clock.after(SWEEP_MS, sweep);
    const now = clock.now();
    for (const [token, { deadline, reject }] of waiting) {
      if (deadline > now) return;
      waiting.delete(token);
      reject(new TimeoutError());
    }
  }

  void (async () => {
    for await (const status of nc.status()) {
      if (status.type === "error") refuse(status.error);
    }
  })();

  /** The server names the subject only: one of those that wait for it. */
  function refuse(error: Error): void {
    if (!(error instanceof PermissionViolationError) || error.operation !== "publish") return;
    for (const [token, { subject, reject }] of waiting) {
      if (subject !== error.subject) continue;
      waiting.delete(token);
      reject(error);
      return;
    }
  }

  function settle(message: Msg): void {
    const token = message.subject.slice(inbox.length + 1);
    const found = waiting.get(token);
    if (found === undefined) return;
    waiting.delete(token);
    try {
      found.resolve(readAck(message, found.subject));
    } catch (error) {
      found.reject(error as Error);
    }
  }

  return {
    /**
     * Resolves with the stream's acknowledgement.
     *
     * @throws JetStreamApiError when the stream refuses it, PermissionViolationError when the server does, Error when no
     *   stream listens there or the connection is closed: it is not stored. TimeoutError: that is not known.
     */
    publish: ({ subject, body, header }: StreamMessage) =>
      new Promise<PubAck>((resolve, reject) => {
        const token = (count++).toString(36);
        nc.publish(subject, body, { reply: `${inbox}.${token}`, headers: header });
        waiting.set(token, { subject, deadline: clock.now() + timeoutMs, resolve, reject });
      }),
    /**
     * A stream has another leader than what was sent to it up to now: what the former one has not acknowledged it will
     * not, and rejects as after the timeout.
     */
    leaderChanged(): void {
      for (const { reject } of waiting.values()) reject(new TimeoutError());
      waiting.clear();
    },
    /** What waits is rejected. */
    stop(): void {
      cancelSweep();
      subscription.unsubscribe();
      for (const { reject } of waiting.values()) reject(new Error("stopped"));
      waiting.clear();
    },
  };
}

/** @param subject - it was sent to. */
function readAck(message: Msg, subject: string): PubAck {
  if (message.data.length === 0 && message.headers?.code === 503) {
    throw new Error(`no stream listens to ${subject}: it has no leader at the moment, or is gone`);
  }
  const answer = message.json<PubAck & { error?: ConstructorParameters<typeof JetStreamApiError>[0] }>();
  if (answer.error !== undefined) throw new JetStreamApiError(answer.error);
  return answer;
}
