import type { ActorType } from "../actor/actor-type.ts";
import { type Clock, inRounds, SYSTEM_CLOCK } from "../flow/clock.ts";
import { inTurns } from "../flow/pieces.ts";
import { glanceAtHistory } from "../jetstream/actor-history.ts";
import type { Log } from "../jetstream/stream-reader.ts";
import { openReader } from "../store/reader.ts";
import type { Lane } from "../wire/lanes.ts";
import type { Difference } from "./diff.ts";
import { proveActor } from "./prove-actor.ts";
import { openDeriver, verifyActor } from "./verify-actor.ts";

export interface ScrubOptions {
  readonly log: Pick<Log, "jsm">;
  readonly storeFile: string;
  readonly types: readonly ActorType[];
  /** As the daemon's `NATSTATE_MAX_EVENT_BYTES`. */
  readonly maxBytes: number;
  readonly intervalMs: number;
  /** The lane of an actor when it is ours and nothing more urgent is to be done; undefined leaves it for another time. */
  readonly laneOf: (type: ActorType, actorId: string) => Lane | undefined;
  /** Told of every actor looked at; no differences is how it should be. */
  readonly onChecked: (type: ActorType, actorId: string, differences: readonly Difference[]) => void;
  /** Told of every actor whose events arrived in other orders. @param names - what depends on that; none is how it should be. */
  readonly onProved: (type: ActorType, actorId: string, names: readonly string[]) => void;
  /** Could not be looked at, for example because NATS is away. */
  readonly onTrouble: (error: Error) => void;
  readonly clock?: Clock;
}

/** Of a core: a look that took a second is followed by a rest of 99. */
const SHARE = 0.01;

/**
 * Holds the store against the log for ever, slowly: one actor at random each interval, derived anew from the stream, bit by
 * bit between the events. After one with a long history it rests for longer, so that it never takes more than 1 % of a
 * core: where such actors are many, all are looked at the more rarely.
 *
 * @returns ends it at once. Safe to call twice.
 */
export function startScrub(options: ScrubOptions): () => void {
  const { log, storeFile, types, maxBytes, intervalMs, laneOf, clock = SYSTEM_CLOCK } = options;
  const { onChecked, onProved, onTrouble } = options;
  const reader = openReader(storeFile);
  const deriver = openDeriver(maxBytes);
  let tookMs = 0;
  const onWork = (ms: number) => {
    tookMs += ms;
  };
  const verification = { jsm: log.jsm, images: reader.images, deriver, onWork };
  const glance = { ...verification, readHistory: glanceAtHistory };
  let turn = 0;
  let stopped = false;
  const end = inRounds(clock, intervalMs, async () => {
    tookMs = 0;
    // Also what was under way when it was ended.
    await scrubOne().catch(onTrouble);
    return Math.max(intervalMs, tookMs * (1 / SHARE - 1));
  });

  async function scrubOne(): Promise<void> {
    const type = types[turn++ % types.length];
    const actorId = type && reader.images.random(type.name);
    const lane = type && actorId !== undefined ? laneOf(type, actorId) : undefined;
    if (type === undefined || actorId === undefined || lane === undefined) return;
    let { differences, isOtherVersion } = await verifyActor(glance, lane, actorId);
    // Nothing that passes by itself is to wake anybody: what is committed meanwhile, what a raised version explains, what a
    // server did not know.
    if (differences.length > 0 && !isOtherVersion) {
      ({ differences, isOtherVersion } = await verifyActor(verification, lane, actorId));
    }
    onChecked(type, actorId, isOtherVersion ? [] : differences);
    await proveOne(lane, actorId);
  }

  /** One that is in quarantine, or retired, waits for somebody else. */
  async function proveOne(lane: Lane, actorId: string): Promise<void> {
    const image = await inTurns(reader.images.find(lane, actorId), onWork);
    if (stopped || image.row === null || image.parked.length > 0) return;
    const seed = Math.floor(Math.random() * 0xffffffff);
    onProved(lane.type, actorId, await inTurns(proveActor(lane.type, actorId, image, seed), onWork));
  }

  return () => {
    stopped = true;
    end();
    deriver.close();
    reader.close();
  };
}
