import { headers, type MsgHdrs } from "@nats-io/transport-node";
import { MAX_HEADERS } from "../flow/decode.ts";
import type { DeadLetterRow, LedgerRow } from "../flow/rows.ts";
import { DEAD_LETTER_HEADERS, LEFT_OUT } from "../wire/headers.ts";
import type { Lane } from "../wire/lanes.ts";
import {
  DEAD_LETTERS_STREAM,
  DECISIONS_STREAM,
  deadLetterMsgId,
  deadLetterSubject,
  decisionMsgId,
  decisionSubject,
} from "../wire/names.ts";
import { headersOf } from "./message-headers.ts";
import type { StreamMessage } from "./pub-acks.ts";

/*
 * What is published, as the wire contract has it (docs/wire.md).
 */

/**
 * A decision, to be stored only when `lastSubjectSequence` is the last sequence on its subject, 0 for none.
 *
 * @param idSuffix - makes it another message to the stream's deduplication.
 */
export function decisionMessage(
  { type }: Lane,
  row: LedgerRow,
  lastSubjectSequence: number,
  idSuffix = "",
): StreamMessage {
  const header = headersOf({
    "Natstate-Revision": String(row.revision),
    "Natstate-Type-Version": String(type.version),
    ...(row.traceparent !== null && { traceparent: row.traceparent }),
    "Nats-Msg-Id": `${decisionMsgId(type, row.actorId, row.revision)}${idSuffix}`,
    "Nats-Expected-Stream": DECISIONS_STREAM,
    "Nats-Expected-Last-Subject-Sequence": String(lastSubjectSequence),
  });
  return { subject: decisionSubject(type, row.actorId), body: row.payload, header };
}

/** @param idSuffix - as for {@link decisionMessage}. */
export function deadLetterMessage(row: DeadLetterRow, idSuffix = ""): StreamMessage {
  const collection = row.subject.slice(0, row.subject.indexOf("."));
  const header = deadLetterHeaders(row);
  header.set("Nats-Msg-Id", `${deadLetterMsgId(row.stream, row.sequence)}${idSuffix}`);
  header.set("Nats-Expected-Stream", DEAD_LETTERS_STREAM);
  return { subject: deadLetterSubject({ collection }, row.reason), body: row.body, header };
}

/** What only says how the message came to us. */
const TRANSPORT_HEADERS = ["Nats-Pin-Id", "Nats-Expected-Stream"];
/** JetStream refuses headers of more than 64 KiB in all; the rest is room for the message's identity. */
const MAX_HEADER_BYTES = 65_000;
/** Room for our own, so that a dead letter's headers can be read again, and for those of the server. */
const MAX_ORIGINAL_HEADERS = MAX_HEADERS - 32;

function deadLetterHeaders(row: DeadLetterRow): MsgHdrs {
  const header = headers();
  header.set("Natstate-Reason", row.reason);
  header.set("Natstate-Error", row.error);
  header.set("Natstate-Subject", row.subject);
  header.set("Natstate-Stream", row.stream);
  header.set("Natstate-Sequence", String(row.sequence));
  let bytes = sizeOf(...[...header].flatMap(([name, values]) => [name, ...values]));
  let count = 0;
  let leftOut = 0;
  for (const [name, value] of JSON.parse(row.headers) as [string, string][]) {
    if (name === LEFT_OUT) leftOut += Number(value);
    if (name === LEFT_OUT || DEAD_LETTER_HEADERS.includes(name) || TRANSPORT_HEADERS.includes(name)) continue;
    // The server acts on Nats-* headers: the event's own id must not become the dead letter's.
    const kept = name.startsWith("Nats-") ? `Natstate-Original-${name}` : name;
    bytes += sizeOf(kept, value);
    if (bytes > MAX_HEADER_BYTES || count === MAX_ORIGINAL_HEADERS) leftOut++;
    else {
      header.append(kept, value);
      count++;
    }
  }
  if (leftOut > 0) header.set(LEFT_OUT, String(leftOut));
  return header;
}

/** Bytes on the wire of header names and values, with what separates them. */
function sizeOf(...texts: readonly string[]): number {
  return texts.reduce((sum, text) => sum + Buffer.byteLength(text) + 2, 0);
}
