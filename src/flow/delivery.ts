import { firstHeader } from "../wire/headers.ts";
import type { Lane } from "../wire/lanes.ts";

/** A message as a stream holds it, however it was read. */
export interface StoredMessage {
  /** Stream sequence, from 1. */
  readonly sequence: number;
  /** As stored, with the partition token. */
  readonly subject: string;
  readonly body: Uint8Array;
  /** First value of a header, its name in any case; or undefined. */
  header(name: string): string | undefined;
  /** All headers, name and value; asked for only when a message is dead-lettered. */
  headers(): ReadonlyArray<readonly [string, string]>;
  /** More than `MAX_HEADERS`: the two above know some of them only. Absent: they know all. */
  readonly headerCount?: number;
  /** Bytes of its headers. Absent: few. */
  readonly headerBytes?: number;
  /** When the stream stored it, ms since the epoch. The only clock the path of an event knows. */
  readonly storedAtMs: number;
}

/** A message of an event stream, handed to us. */
export interface Delivery extends StoredMessage {
  readonly lane: Lane;
  /** What it was read as when it was heard; set for an event that only the store has any more. */
  readonly stored?: Observation;
  /** Tells the server it may forget the delivery; flow control, not durability. */
  ack(): void;
}

/**
 * Makes a delivery, the only way to one.
 *
 * @param ack - absent: nobody waits for it.
 */
export function toDelivery(lane: Lane, message: StoredMessage, ack: () => void = () => {}): Delivery {
  const { sequence, subject, body, header, headers, headerCount, headerBytes, storedAtMs } = message;
  return { lane, sequence, subject, body, header, headers, headerCount, headerBytes, storedAtMs, ack };
}

/** Headers that are at hand as pairs of name and value, as a message has them. */
export function keptHeaders(
  pairs: ReadonlyArray<readonly [string, string]>,
): Pick<StoredMessage, "header" | "headers"> {
  return { header: (name) => firstHeader(pairs, name), headers: () => pairs };
}

/** A decoded, validated observation about one actor. */
export interface Observation {
  readonly actorId: string;
  readonly type: string;
  readonly eventId: string;
  /** RFC 3339 in UTC. */
  readonly timestamp: string;
  readonly correlationId: string | null;
  readonly traceparent: string | null;
  readonly data: Readonly<Record<string, unknown>>;
}
