import type { ActorType } from "../actor/actor-type.ts";
import { type Clock, SYSTEM_CLOCK } from "../flow/clock.ts";
import type { Log } from "../jetstream/stream-reader.ts";
import { openReader } from "../store/reader.ts";
import type { Lane } from "../wire/lanes.ts";
import { openDeriver } from "./derive-actor.ts";
import type { Difference } from "./diff.ts";
import { verifyActor } from "./verify-actor.ts";

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
  const { log, storeFile, types, maxBytes, intervalMs, laneOf, onChecked, onTrouble, clock = SYSTEM_CLOCK } = options;
  const reader = openReader(storeFile);
  const deriver = openDeriver(maxBytes);
  let tookMs = 0;
  const onWork = (ms: number) => {
    tookMs += ms;
  };
  const verification = { jsm: log.jsm, images: reader.images, deriver, onWork };
  let turn = 0;
  let stopped = false;
  let cancel = clock.after(intervalMs, scrubNext);

  async function scrubNext(): Promise<void> {
    tookMs = 0;
    // Also what was under way when it was ended.
    await scrubOne().catch(onTrouble);
    if (stopped) return;
    cancel = clock.after(Math.max(intervalMs, tookMs * (1 / SHARE - 1)), scrubNext);
  }

  async function scrubOne(): Promise<void> {
    const type = types[turn++ % types.length];
    const actorId = type && reader.images.random(type.name);
    const lane = type && actorId !== undefined ? laneOf(type, actorId) : undefined;
    if (type === undefined || actorId === undefined || lane === undefined) return;
    let { differences } = await verifyActor(verification, lane, actorId);
    // Nothing that passes by itself is to wake anybody.
    if (differences.length > 0) ({ differences } = await verifyActor(verification, lane, actorId));
    onChecked(type, actorId, differences);
  }

  return () => {
    stopped = true;
    cancel();
    deriver.close();
    reader.close();
  };
}
