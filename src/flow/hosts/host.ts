import { crc32 } from "node:zlib";
import type { ActorType } from "../../actor/actor-type.ts";
import { restoreByEventTime, startByEventTime } from "./event-time.ts";
import type { Envelope, LiveActor } from "./live-actor.ts";
import { restoreMerging, startMerging } from "./merge.ts";

/**
 * Starts a new actor in its machine's initial state.
 *
 * @throws when the machine fails on the way there, or starts with a context that cannot be stored.
 */
export function spawnActor(type: ActorType, actorId: string): LiveActor {
  return type.ordering === "merge" ? startMerging(type, actorId) : startByEventTime(type, actorId);
}

/**
 * Restores an actor from its stored snapshot.
 *
 * @param anchors - as {@link LiveActor.anchors} gave them, at any time before; null when it never did.
 * @returns undefined when the snapshot is damaged, from another machine version or not one the machine accepts: the caller
 *   then rebuilds the actor from its events. A bad snapshot never becomes a fresh actor.
 */
export function restoreActor(
  type: ActorType,
  actorId: string,
  envelope: Envelope,
  anchors: string | null,
): LiveActor | undefined {
  if (envelope.machineVersion !== type.version || crc32(envelope.snapshot) !== envelope.checksum) return undefined;
  try {
    const snapshot: unknown = JSON.parse(envelope.snapshot);
    if (typeof snapshot !== "object" || snapshot === null) return undefined;
    return type.ordering === "merge"
      ? restoreMerging(type, snapshot)
      : restoreByEventTime(type, actorId, snapshot, anchors);
  } catch {
    return undefined;
  }
}
