import type { ConsumerInfo } from "@nats-io/jetstream";

/** What a consumer has delivered, as the server says. */
export interface Delivered {
  /** Deliveries since the last reset. */
  readonly count: number;
  /** Of those, not acknowledged. */
  readonly unacknowledged: number;
  /** Messages it has still to deliver. */
  readonly pending: number;
  /** Has a client the pin? It gets it with its first delivery. */
  readonly isPinned: boolean;
  /** `performance.now()` when the server was asked. */
  readonly askedAtMs: number;
}

/**
 * Does it say how far the consumer is? A server that has just been started, and knows no leader of a consumer or has not made
 * it yet, answers for it too: as of one that has delivered nothing and has nothing to deliver.
 */
export function knowsDelivered({ cluster, config, priority_groups }: ConsumerInfo & PinState): boolean {
  const isMade = config.priority_groups === undefined || priority_groups !== undefined;
  return isMade && (cluster === undefined || Boolean(cluster.leader));
}

/** Holds what has arrived in a session against what the server says it has delivered. */
export type DeliveryAudit = ReturnType<typeof createDeliveryAudit>;

export function deliveredOf(info: ConsumerInfo, askedAtMs: number): Delivered {
  const { delivered, num_ack_pending, num_pending } = info;
  const counts = { count: delivered.consumer_seq, unacknowledged: num_ack_pending, pending: num_pending };
  return { ...counts, isPinned: isPinned(info), askedAtMs };
}

/** What the server says of pins, and the client's type does not. */
export interface PinState {
  readonly priority_groups?: readonly { readonly group: string; readonly pinned_client_id?: string }[];
}

export function isPinned(info: ConsumerInfo & PinState): boolean {
  return info.priority_groups?.some(({ pinned_client_id = "" }) => pinned_client_id !== "") ?? false;
}

/** What was delivered may be on its way for so long; twice as long each time that was not enough. */
const GRACE_MS = 300;
const MAX_GRACE_MS = 10_000;
/** The server is asked every 5 s. */
const SILENCE_MS = 15_000;
/** A change of the streams' leader, or of the owner, takes less. */
const UNSERVED_MS = 10_000;
/** Between two answers no more than the usual time counts: a server that has stood still has sent nothing else, either. */
const TURN_MS = 6000;

/** @param now - in ms, as `askedAtMs`. */
export function createDeliveryAudit(now: () => number = () => performance.now()) {
  let graceMs = GRACE_MS;
  let received = 0;
  /** Undefined between sessions. */
  let sinceMs: number | undefined;
  /** Deliveries until what was there at first has arrived. */
  let target: number | undefined;
  let isCaughtUp = false;
  let checkedAtMs = Number.NEGATIVE_INFINITY;
  /** For how long it has had messages; undefined while it has none, or some arrive. */
  let unservedMs: number | undefined;
  let last: { readonly delivered: Delivered; readonly received: number } | undefined;

  function begin(): void {
    sinceMs = now();
    received = 0;
    target = undefined;
    isCaughtUp = false;
    last = undefined;
  }

  function problemOf(delivered: Delivered): string | undefined {
    if (last === undefined || received > last.received) return undefined;
    if (received < last.delivered.count) return `${last.delivered.count} were delivered, ${received} have arrived`;
    const isUnserved = [last.delivered, delivered].every(({ isPinned, count }) => isPinned && count === 0);
    return isUnserved ? "the pin is another client's" : undefined;
  }

  return {
    /** A session begins: the consumer was reset, nothing has arrived. */
    begin,
    end(): void {
      sinceMs = undefined;
      isCaughtUp = false;
    },
    /** One more has arrived. */
    count(): void {
      received++;
      graceMs = GRACE_MS;
      unservedMs = undefined;
    },
    /** Deliveries that have arrived in this session. */
    received: () => received,
    /**
     * @returns why the session has to begin anew: what the server had delivered at the time before and has not arrived
     *   since went to another client, and would come again after `ack_wait` only. And a pin that goes without deliveries
     *   is that of a client that is gone, and lasts until it times out.
     */
    check(delivered: Delivered): string | undefined {
      if (sinceMs === undefined || delivered.askedAtMs < sinceMs) return undefined;
      // What waits to be acknowledged has been delivered.
      if (delivered.pending === 0 || delivered.unacknowledged > 0) unservedMs = undefined;
      else if (unservedMs === undefined) unservedMs = 0;
      else unservedMs += Math.min(delivered.askedAtMs - checkedAtMs, TURN_MS);
      checkedAtMs = delivered.askedAtMs;
      // What was purged meanwhile will not come.
      target = Math.min(target ?? Number.POSITIVE_INFINITY, delivered.count + delivered.pending);
      isCaughtUp ||= received >= target && delivered.count - delivered.unacknowledged >= target;
      const problem = problemOf(delivered);
      if (problem === undefined) last = { delivered, received };
      else if (last !== undefined && delivered.askedAtMs - last.delivered.askedAtMs >= graceMs) {
        graceMs = Math.min(2 * graceMs, MAX_GRACE_MS);
        return problem;
      }
      return undefined;
    },
    /** Has the server had messages for this lane for long, over any number of sessions, of which none has arrived? */
    isUnserved: () => unservedMs !== undefined && unservedMs >= UNSERVED_MS,
    /**
     * Is everything applied that the server had for this session when it was first asked? Not when it has not been heard of
     * for long: there may be more.
     */
    isCaughtUp: () => isCaughtUp && now() - checkedAtMs < SILENCE_MS,
  };
}
