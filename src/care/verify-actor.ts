import type { Delivery } from "../flow/delivery.ts";
import { storedDelivery } from "../flow/event-row.ts";
import { inTurns } from "../flow/pieces.ts";
import { readActorHistory } from "../jetstream/actor-history.ts";
import { messageAt } from "../jetstream/leader-reader.ts";
import type { Session } from "../jetstream/session.ts";
import { readIdentity } from "../jetstream/stream-identity.ts";
import type { ActorImage, Images, ParkedMessage } from "../store/stored-actor.ts";
import { openThrowawayStore } from "../store/throwaway-store.ts";
import type { Lane } from "../wire/lanes.ts";
import { DECISIONS_STREAM } from "../wire/names.ts";
import { agedOf } from "./aged-events.ts";
import { createDerivation } from "./derive-store.ts";
import { type Comparison, compareActor, compareRejections, type PublishedHistory } from "./diff.ts";

/** All the log holds about one actor. */
interface ActorLog {
  /** In stream order. */
  readonly deliveries: readonly Delivery[];
  /** First sequence of the stream, read after the deliveries: what is older has aged out. */
  readonly firstSequence: number;
  /**
   * When the stream was created, or the last was stored that it has lost from its end, ms since the epoch: what was stored
   * before is of a stream it replaced, or it holds it itself.
   */
  readonly createdMs: number;
  readonly published: PublishedHistory;
}

/** Events applied in one piece. */
const AT_ONCE = 20;

/**
 * Opens what derives actors from the log, one at a time, as the daemon would: the same processor, in a store of its own in
 * memory.
 *
 * @param maxBytes - as the daemon's `NATSTATE_MAX_EVENT_BYTES`.
 */
export function openDeriver(maxBytes: number) {
  const throwaway = openThrowawayStore();
  const { journal, images } = throwaway;

  /**
   * @param stored - how far to go: to its checkpoint, without what is kept back in quarantine; its events stand in for
   *   those that have aged out of the stream.
   */
  function* derive(lane: Lane, actorId: string, stored: ActorImage, log: ActorLog) {
    const derivation = createDerivation({ journal, lanes: [lane], maxBytes });
    const aged = agedOf(stored.events, log.deliveries, log);
    yield* derivation.aged(aged.map((event) => storedDelivery(lane, actorId, event)));
    const keyOf = ({ sequence, storedAtMs }: ParkedMessage) => `${sequence} of ${storedAtMs}`;
    const parked = new Set(stored.parked.map(keyOf));
    const due = log.deliveries.filter(
      (delivery) => delivery.sequence <= stored.checkpoint && !parked.has(keyOf(delivery)),
    );
    for (let from = 0; from < due.length; from += AT_ONCE) {
      derivation.held(due.slice(from, from + AT_ONCE));
      yield;
    }
    const image = yield* images.find(lane, actorId);
    /** Reasons by sequence. */
    const rejections = new Map([...images.rejections(lane.stream)].map(({ sequence, reason }) => [sequence, reason]));
    return { image, rejections, fromStore: aged.length };
  }

  return {
    derive: (...asked: Parameters<typeof derive>) => throwaway.undone(derive(...asked)),
    close: throwaway.close,
  };
}

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
  readonly deriver: ReturnType<typeof openDeriver>;
  /** Absent: the sure way. */
  readonly readHistory?: typeof readActorHistory;
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
  const { images, deriver, onWork = () => {} } = options;
  const stored = await inTurns(images.find(lane, actorId), onWork);
  if (stored.isRetired) {
    const nothing = { differences: [], isOtherHistory: false, isOtherVersion: false };
    return { ...nothing, exists: true, isRetired: true, fromStore: 0 };
  }
  const log = await readActorLog(options, lane, actorId, stored);
  onWork(MESSAGE_MS * (log.deliveries.length + log.published.decisions.length));
  const derived = await inTurns(deriver.derive(lane, actorId, stored, log), onWork);
  const compared = await inTurns(compareActor(actorId, stored, derived.image, log.published), onWork);
  const sequences = log.deliveries.map(({ sequence }) => sequence);
  const rejections = new Map(sequences.map((sequence) => [sequence, images.rejection(lane.stream, sequence)]));
  const differences = [...compared.differences, ...compareRejections(actorId, rejections, derived.rejections)];
  const exists = stored.row !== null || log.deliveries.length > 0;
  return { ...compared, exists, isRetired: false, fromStore: derived.fromStore, differences };
}

async function readActorLog(
  { jsm, readHistory = readActorHistory }: VerifyOptions,
  lane: Lane,
  actorId: string,
  stored: ActorImage,
): Promise<ActorLog> {
  const { deliveries, decisions } = await readHistory(jsm, lane, actorId, stored.checkpoint);
  // Afterwards: what ages out in between then counts as aged out, not as missing.
  const { firstSequence, created } = await readIdentity(jsm, lane.stream);
  const outbox = await readIdentity(jsm, DECISIONS_STREAM);
  const published = { decisions, firstSequence: outbox.firstSequence };
  const ofStream = { firstSequence, createdMs: Date.parse(created) };
  const createdMs = Math.max(
    ofStream.createdMs,
    1 + (await findLostTo(jsm, lane, stored, { deliveries, ...ofStream })),
  );
  return { deliveries, firstSequence, createdMs, published };
}

/** Asked for at most: of what a stream has lost from its end, the last is mostly enough. */
const MAX_SUSPECTS = 10;

/**
 * Restored from an older copy a stream keeps its date, and gives the same sequences again.
 *
 * @returns when the last of an actor's events was stored that it has lost so, ms since the epoch; 0 where it has lost none.
 */
async function findLostTo(
  jsm: Session["jsm"],
  { stream }: Lane,
  { events, checkpoint }: ActorImage,
  { deliveries, firstSequence, createdMs }: Pick<ActorLog, "deliveries" | "firstSequence" | "createdMs">,
): Promise<number> {
  const held = new Map(deliveries.map(({ sequence, storedAtMs }) => [sequence, storedAtMs]));
  const suspects = events
    .filter(({ sequence, storedAtMs }) => sequence >= firstSequence && storedAtMs >= createdMs)
    .filter(({ sequence, storedAtMs }) => held.get(sequence) !== storedAtMs)
    .sort((a, b) => b.storedAtMs - a.storedAtMs);
  for (const { sequence, storedAtMs } of suspects.slice(0, MAX_SUSPECTS)) {
    if (sequence > checkpoint) return storedAtMs;
    // One that is only gone, somebody has deleted.
    const found = await messageAt(jsm, stream, sequence);
    if (found !== undefined && found.storedAtMs !== storedAtMs) return storedAtMs;
  }
  return 0;
}
