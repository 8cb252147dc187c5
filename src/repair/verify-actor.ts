import type { Delivery, Lane } from "../flow/ports.ts";
import { readIdentity } from "../jetstream/identity.ts";
import { DECISIONS_STREAM, decisionSubject } from "../jetstream/names.ts";
import { decisionsOn, messagesOn } from "../jetstream/outbox-reader.ts";
import type { Session } from "../jetstream/session.ts";
import type { Images } from "../store/images.ts";
import { type Comparison, compareActor, type Difference } from "./compare.ts";
import { toDelivery } from "./deliveries.ts";
import type { ActorLog, Derived, Deriver } from "./derive.ts";

/** One actor held against the log. */
export interface Verified extends Comparison {
  /** False: neither the store nor the log knows it. */
  readonly exists: boolean;
  /** Events that could only be held against themselves, because the stream no longer has them. */
  readonly fromStore: number;
}

export interface VerifyOptions {
  readonly jsm: Session["jsm"];
  readonly images: Images;
  readonly deriver: Deriver;
}

/**
 * Derives one actor anew from the stream, up to its lane's checkpoint, and compares.
 *
 * Safe while a daemon writes the store: what it commits or publishes meanwhile is not looked at.
 */
export async function verifyActor(options: VerifyOptions, lane: Lane, actorId: string): Promise<Verified> {
  const { jsm, images, deriver } = options;
  const stored = images.find(lane, actorId);
  const log = await readActorLog(jsm, lane, actorId, stored.checkpoint);
  const derived = deriver.derive(lane, actorId, stored, log);
  const compared = compareActor(actorId, stored, derived.image, log.published);
  const differences = [...compared.differences, ...compareRejections(actorId, images, log.deliveries, derived)];
  const exists = stored.row !== null || log.deliveries.length > 0;
  return { exists, fromStore: derived.fromStore, isOtherHistory: compared.isOtherHistory, differences };
}

async function readActorLog(jsm: Session["jsm"], lane: Lane, actorId: string, upTo: number): Promise<ActorLog> {
  const deliveries: Delivery[] = [];
  const subject = `${lane.type.collection}.${lane.partition}.${actorId}.*`;
  for await (const message of messagesOn(jsm, lane.stream, subject)) {
    if (message.sequence > upTo) break;
    deliveries.push(toDelivery(lane, message));
  }
  const decisions = await decisionsOn(jsm, decisionSubject(lane.type, actorId));
  // Afterwards: what ages out in between then counts as aged out, not as missing.
  const { firstSequence, created } = await readIdentity(jsm, lane.stream);
  const outbox = await readIdentity(jsm, DECISIONS_STREAM);
  return {
    deliveries,
    firstSequence,
    createdMs: Date.parse(created),
    published: { decisions, firstSequence: outbox.firstSequence },
  };
}

/** A machine that failed once may have been mended since. */
const MAY_CHANGE = "machine_error";

function compareRejections(
  actorId: string,
  images: Images,
  deliveries: readonly Delivery[],
  { rejections }: Derived,
): Difference[] {
  return deliveries.flatMap(({ lane, sequence }) => {
    const store = images.rejection(lane.stream, sequence) ?? null;
    const log = rejections.get(sequence) ?? null;
    if (store === log || store === MAY_CHANGE || log === MAY_CHANGE) return [];
    return [{ actorId, what: `dead letter ${sequence}`, store, log }];
  });
}
