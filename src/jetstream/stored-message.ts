import type { JsMsg, StoredMsg } from "@nats-io/jetstream";
import type { Msg } from "@nats-io/transport-node";
import type { StoredMessage } from "../flow/delivery.ts";
import { readHeaders } from "./message-headers.ts";

/** As a consumer delivers it. */
export function fromConsumer({ info, subject, data, headers }: JsMsg): StoredMessage {
  const storedAtMs = storedAtNanos(info.timestampNanos);
  return { sequence: info.streamSequence, subject, body: data, ...readHeaders(headers), storedAtMs };
}

/** As the leader gives it, asked for alone. */
export function fromLeader({ seq, subject, data, header, timestamp }: StoredMsg): StoredMessage {
  return { sequence: seq, subject, body: data, ...readHeaders(header), storedAtMs: storedAtText(timestamp) };
}

/**
 * As a direct get gives it. The server's own headers are among its headers, by exactly these names: a publisher may have
 * written others that differ in case.
 */
export function fromDirect({ headers, data }: Msg): StoredMessage {
  const said = (name: string) => headers?.get(name) ?? "";
  return {
    sequence: Number(said("Nats-Sequence")),
    subject: said("Nats-Subject"),
    body: data,
    ...readHeaders(headers),
    storedAtMs: storedAtText(said("Nats-Time-Stamp")),
  };
}

/*
 * When a stream stored a message, in ms since the epoch. A delivery says so in nanoseconds, which the client reads into
 * a double: near a millisecond's end (1 message in 8000) that is the next millisecond. A message read by its sequence
 * says so as text. Both have to come to the same, or what was applied from one differs from what is derived from the
 * other.
 */

/** @param nanos - since the epoch, as a delivery's `info.timestampNanos`. */
export function storedAtNanos(nanos: number): number {
  return Math.floor(nanos / 1_000_000);
}

/** @param timestamp - RFC 3339 in UTC with up to 9 digits of a second, as a stored message's `timestamp`. */
export function storedAtText(timestamp: string): number {
  const [, seconds = "", fraction = ""] = /^(.*?)(?:\.(\d+))?Z$/.exec(timestamp) ?? [];
  return storedAtNanos(Number(`${Date.parse(`${seconds}Z`) / 1000}${fraction.padEnd(9, "0")}`));
}
