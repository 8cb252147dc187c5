import { setTimeout as delay } from "node:timers/promises";
import type { ActorType } from "../actor/actor-type.ts";
import type { StoredMessage } from "../flow/delivery.ts";
import { DECISIONS_STREAM, decisionSubject } from "../wire/names.ts";
import { type DirectRequest, NotReadableError, readDirect, readStreamState } from "./direct-reader.ts";
import type { Session } from "./session.ts";

export interface PublishedMessage {
  readonly actorId: string;
  /** When it was published, RFC 3339 in UTC. */
  readonly publishedAt: string;
  /** JSON. */
  readonly payload: string;
}

const BATCH = 500;
/** How long a decision may be there unseen. */
const POLL_MS = 200;

/** From where on; absent fields mean from now on. */
export interface FeedOptions {
  /** From so long ago on. */
  readonly sinceMs?: number | undefined;
  /** From so many messages of DECISIONS ago on. */
  readonly back?: number;
  readonly signal: AbortSignal;
}

/**
 * Follows a type's decisions, from now or from before, until `signal` aborts. Creates nothing in NATS, see
 * {@link readDirect}; a lost connection is taken up where it broke off.
 *
 * @throws NatsSetupError when there is no DECISIONS, or when it is deleted meanwhile.
 */
export async function* followDecisions(
  session: Session,
  type: ActorType,
  { sinceMs, back = 0, signal }: FeedOptions,
): AsyncGenerator<PublishedMessage> {
  const { last_seq } = await readStreamState(session.jsm, DECISIONS_STREAM);
  const wanted = { next_by_subj: decisionSubject(type, "*"), batch: BATCH };
  let next: DirectRequest =
    sinceMs === undefined
      ? { ...wanted, seq: Math.max(1, last_seq + 1 - back) }
      : { ...wanted, start_time: new Date(Date.now() - sinceMs).toISOString() };
  while (!signal.aborted) {
    const messages = await readNext(session, next);
    for (const message of messages) {
      next = { ...wanted, seq: message.sequence + 1 };
      yield toPublished(message);
      if (signal.aborted) return;
    }
    if (messages.length === 0) await delay(POLL_MS, undefined, { signal }).catch(() => {});
  }
}

/** What there is now; nothing while NATS is away. */
async function readNext(session: Session, request: DirectRequest): Promise<StoredMessage[]> {
  if (!session.isConnected()) return [];
  try {
    return await readDirect(session, DECISIONS_STREAM, request);
  } catch (error) {
    if (session.nc.isClosed()) throw error;
    // Deleted, or only without a leader for a moment?
    if (error instanceof NotReadableError) await readStreamState(session.jsm, DECISIONS_STREAM);
    return [];
  }
}

function toPublished({ subject, storedAtMs, body }: StoredMessage): PublishedMessage {
  return {
    actorId: subject.slice(subject.lastIndexOf(".") + 1),
    publishedAt: new Date(storedAtMs).toISOString(),
    payload: Buffer.from(body).toString("utf8"),
  };
}
