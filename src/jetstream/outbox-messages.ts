import { headers, type MsgHdrs } from "@nats-io/transport-node";
import type { DeadLetterRow, Lane, LedgerRow } from "../flow/ports.ts";
import {
  DEAD_LETTERS_STREAM,
  DECISIONS_STREAM,
  deadLetterMsgId,
  deadLetterSubject,
  decisionMsgId,
  decisionSubject,
} from "./names.ts";
import type { StreamMessage } from "./pub-acks.ts";

/*
 * What is published, as the wire contract has it (DESIGN, section 3).
 */

/** A decision, to be stored only when `lastSubjectSequence` is the last sequence on its subject, 0 for none. */
export function decisionMessage({ type }: Lane, row: LedgerRow, lastSubjectSequence: number): StreamMessage {
  const header = headers();
  header.set("Natstate-Revision", String(row.revision));
  if (row.traceparent !== null) header.set("traceparent", row.traceparent);
  header.set("Nats-Msg-Id", decisionMsgId(type, row.actorId, row.revision));
  header.set("Nats-Expected-Stream", DECISIONS_STREAM);
  header.set("Nats-Expected-Last-Subject-Sequence", String(lastSubjectSequence));
  return { subject: decisionSubject(type, row.actorId), body: row.payload, header };
}

/** @param idSuffix - makes it another message to the stream's deduplication. */
export function deadLetterMessage(row: DeadLetterRow, idSuffix = ""): StreamMessage {
  const collection = row.subject.slice(0, row.subject.indexOf("."));
  const header = deadLetterHeaders(row);
  header.set("Nats-Msg-Id", `${deadLetterMsgId(row.stream, row.sequence)}${idSuffix}`);
  header.set("Nats-Expected-Stream", DEAD_LETTERS_STREAM);
  return { subject: deadLetterSubject({ collection }, row.reason), body: row.body, header };
}

/** Names a dead letter sets itself; and what only says how the message came to us. */
const OWN_HEADERS = ["Reason", "Error", "Subject", "Stream", "Sequence"].map((name) => `Natstate-${name}`);
const TRANSPORT_HEADERS = ["Nats-Pin-Id", "Nats-Expected-Stream"];

function deadLetterHeaders(row: DeadLetterRow): MsgHdrs {
  const header = headers();
  for (const [name, value] of JSON.parse(row.headers) as [string, string][]) {
    if (OWN_HEADERS.includes(name) || TRANSPORT_HEADERS.includes(name)) continue;
    // The server acts on Nats-* headers: the event's own id must not become the dead letter's.
    header.append(name.startsWith("Nats-") ? `Natstate-Original-${name}` : name, value);
  }
  header.set("Natstate-Reason", row.reason);
  header.set("Natstate-Error", row.error);
  header.set("Natstate-Subject", row.subject);
  header.set("Natstate-Stream", row.stream);
  header.set("Natstate-Sequence", String(row.sequence));
  return header;
}
