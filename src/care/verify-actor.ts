import { inTurns } from "../flow/pieces.ts";
import { readActorHistory } from "../jetstream/actor-history.ts";
import type { Session } from "../jetstream/session.ts";
import { readIdentity } from "../jetstream/stream-identity.ts";
import type { Images } from "../store/stored-actor.ts";
import type { Lane } from "../wire/lanes.ts";
import { DECISIONS_STREAM } from "../wire/names.ts";
import type { ActorLog, Deriver } from "./derive-actor.ts";
import { type Comparison, compareActor, compareRejections } from "./diff.ts";

/** One actor held against the log. */
export interface Verified extends Comparison {
  /** False: neither the store nor the log knows it. */
  readonly exists: boolean;
  /** True: all the store has of it is that it is retired; there is nothing to compare. */
  readonly isRetired: boolean;
  /** Events that could only be held against themselves, because the stream no longer has them. */
  readonly fromStore: number;
}

export interface VerifyOptions {
  readonly jsm: Session["jsm"];
  readonly images: Images;
  readonly deriver: Deriver;
  /** Told what each turn of the work took of the CPU, and each message that was read for it. */
  readonly onWork?: (ms: number) => void;
}

/** What a message costs that is asked for alone, in ms of CPU. */
const MESSAGE_MS = 0.2;

/**
 * Derives one actor anew from the stream, up to its lane's checkpoint, and compares.
 *
 * Safe while a daemon writes the store: what it commits or publishes meanwhile is not looked at.
 */
export async function verifyActor(options: VerifyOptions, lane: Lane, actorId: string): Promise<Verified> {
  const { jsm, images, deriver, onWork = () => {} } = options;
  const stored = await inTurns(images.find(lane, actorId), onWork);
  if (stored.isRetired) {
    return {
      exists: true,
      isRetired: true,
      fromStore: 0,
      isOtherHistory: false,
      isOtherVersion: false,
      differences: [],
    };
  }
  const log = await readActorLog(jsm, lane, actorId, stored.checkpoint);
  onWork(MESSAGE_MS * (log.deliveries.length + log.published.decisions.length));
  const derived = await inTurns(deriver.derive(lane, actorId, stored, log), onWork);
  const compared = await inTurns(compareActor(actorId, stored, derived.image, log.published), onWork);
  const sequences = log.deliveries.map(({ sequence }) => sequence);
  const rejections = new Map(sequences.map((sequence) => [sequence, images.rejection(lane.stream, sequence)]));
  const differences = [...compared.differences, ...compareRejections(actorId, rejections, derived.rejections)];
  const exists = stored.row !== null || log.deliveries.length > 0;
  return { ...compared, exists, isRetired: false, fromStore: derived.fromStore, differences };
}

async function readActorLog(jsm: Session["jsm"], lane: Lane, actorId: string, upTo: number): Promise<ActorLog> {
  const { deliveries, decisions } = await readActorHistory(jsm, lane, actorId, upTo);
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
