import { setTimeout as delay } from "node:timers/promises";
import { JetStreamApiError } from "@nats-io/jetstream";
import { errors } from "@nats-io/transport-node";
import { NatsAwayError } from "./connect.ts";
import { permissionError } from "./permission.ts";

/** Does work that NATS is needed for, again and again while it cannot answer. */
export type Patience = <T>(work: () => Promise<T>) => Promise<T>;

export interface PatienceOptions {
  /** False: the first time that NATS cannot answer is the last. */
  readonly mayWait: boolean;
  /** Aborted: nobody waits any more. */
  readonly signal?: AbortSignal | undefined;
  /** For a person: what is waited for, and why, after each attempt; with several servers it is another one's turn. */
  readonly onWaiting: (reason: string, isNew: boolean) => Promise<void>;
  /** Waits so long. Rejects when `signal` is aborted. */
  readonly wait?: (ms: number, signal: AbortSignal | undefined) => Promise<void>;
}

const RETRY_MS = [100, 250, 1000] as const;
const waitFor = (ms: number, signal: AbortSignal | undefined) => delay(ms, undefined, { signal });

/**
 * Waits for NATS at start as at run time: it may be away, electing leaders, or without room for its replicas now, and
 * not in a moment. What only a person can change, it answers; that is rejected with at once.
 *
 * Work may be begun anew after any part of it was done.
 */
export function createPatience({ mayWait, signal, onWaiting, wait = waitFor }: PatienceOptions): Patience {
  const told = new Set<string>();
  return async (work) => {
    for (let attempt = 0; ; attempt++) {
      signal?.throwIfAborted();
      try {
        return await work();
      } catch (error) {
        if (!mayPass(error)) throw error;
        const away = asAway(error as Error);
        if (!mayWait) throw away;
        await onWaiting(away.message, !told.has(away.message));
        told.add(away.message);
      }
      await wait(RETRY_MS[attempt] ?? 1000, signal);
    }
  };
}

/** What a server says that cannot serve now: no peers for the replicas, not the leader, stream or consumer offline. */
const PASSING_CODES: readonly number[] = [10_005, 10_007, 10_009, 10_118, 10_119];

/** May the same be answered in a moment? */
export function mayPass(error: unknown): boolean {
  if (permissionError(error) !== undefined) return false;
  if (error instanceof JetStreamApiError) return error.status === 503 || PASSING_CODES.includes(error.code);
  return (
    error instanceof NatsAwayError ||
    error instanceof errors.TimeoutError ||
    error instanceof errors.RequestError ||
    error instanceof errors.NoRespondersError ||
    (error instanceof Error && error.name === "JetStreamNotEnabled")
  );
}

function asAway(error: Error): NatsAwayError {
  if (error instanceof NatsAwayError) return error;
  const advice = "Are enough servers of the cluster up?";
  return new NatsAwayError("no_jetstream", `JetStream does not answer: ${error.message}`, advice, { cause: error });
}
