import type { JetStreamManager } from "@nats-io/jetstream";
import type { ActorType } from "../actor/actor-type.ts";
import type { StoredMessage } from "../flow/delivery.ts";
import { goesOn } from "../flow/ledger.ts";
import type { ImportedDecision } from "../flow/outbox.ts";
import { DECISIONS_STREAM, decisionSubject } from "../wire/names.ts";
import { messagesOn } from "./leader-reader.ts";

/**
 * Reads a message of DECISIONS, held to what natstate writes there: a JSON object with a decision type, the id of its
 * subject, and a revision that its header says too.
 *
 * @returns undefined when somebody else wrote it; it is to be passed over.
 */
export function readDecision(
  { idField }: Pick<ActorType, "idField">,
  message: StoredMessage,
): ImportedDecision | undefined {
  const { body, subject } = message;
  const actorId = subject.slice(subject.lastIndexOf(".") + 1);
  const payload = Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString("utf8");
  const fields = parse(payload);
  const { revision, decisionType } = fields;
  if (!Number.isSafeInteger(revision) || Number(revision) < 1) return undefined;
  if (message.header("Natstate-Revision") !== String(revision)) return undefined;
  if (typeof decisionType !== "string" || fields[idField] !== actorId) return undefined;
  const typeVersion = Number(message.header("Natstate-Type-Version") ?? 0);
  const said = { actorId, revision: Number(revision), sequence: message.sequence, payload };
  return { ...said, typeVersion: Number.isSafeInteger(typeVersion) ? typeVersion : 0 };
}

function parse(payload: string): Readonly<Record<string, unknown>> {
  try {
    const fields: unknown = JSON.parse(payload);
    return typeof fields === "object" && fields !== null ? (fields as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}

/** Reads what an actor's subject holds from the leader, so it is up to date. */
export async function decisionsOn(
  jsm: JetStreamManager,
  type: Pick<ActorType, "collection" | "idField">,
  actorId: string,
) {
  const decisions: ImportedDecision[] = [];
  const foreign: number[] = [];
  let lastSequence = 0;
  for await (const message of messagesOn(jsm, DECISIONS_STREAM, decisionSubject(type, actorId))) {
    const found = readDecision(type, message);
    lastSequence = message.sequence;
    if (found !== undefined && goesOn(decisions.at(-1)?.revision ?? 0, found.revision)) decisions.push(found);
    else foreign.push(message.sequence);
  }
  return {
    /** By rising revision. */
    decisions,
    /** Sequence of the last message, whoever wrote it; 0 when there is none. */
    lastSequence,
    /** Sequences of messages that are not natstate's, or copies of older ones. */
    foreign,
  };
}
