import type { LaneReader } from "../jetstream/lane-reader.ts";
import type { Lane } from "../wire/lanes.ts";
import { createHandover, type HandoverOptions } from "./handover.ts";
import type { OwnLanes } from "./own-lanes.ts";

export interface FollowedLanesOptions extends Omit<HandoverOptions, "following" | "isReading" | "onClose"> {
  /** Told which are followed and close. */
  readonly own: Pick<OwnLanes, "follow">;
  readonly open: (lane: Lane) => LaneReader;
  /** It is not followed any more. */
  readonly onEnded: (lane: Lane) => void;
}

/** Lanes that are read along beside their owners. */
export function createFollowedLanes(options: FollowedLanesOptions) {
  const { own, open, onEnded } = options;
  const readers = new Map<Lane, LaneReader>();
  const handover = createHandover({
    ...options,
    following: () => [...readers.keys()],
    isReading: (lane) => readers.get(lane)?.isReading() ?? false,
    onClose: tell,
  });

  function tell(): void {
    own.follow(handover.close().filter((lane) => readers.has(lane)));
  }

  async function end(lane: Lane): Promise<void> {
    const reader = readers.get(lane);
    if (reader === undefined) return;
    readers.delete(lane);
    tell();
    await reader.release();
    onEnded(lane);
  }

  return {
    /** From now on these, and none of the others. */
    async follow(lanes: readonly Lane[]): Promise<void> {
      for (const lane of [...readers.keys()]) if (!lanes.includes(lane)) await end(lane);
      for (const lane of lanes) if (!readers.has(lane)) readers.set(lane, open(lane));
      handover.stir();
    },
    /** No longer; nothing of it arrives when this resolves. */
    end,
    readers: () => [...readers.values()],
    reader: (lane: Lane) => readers.get(lane),
    /** Nothing is asked for any more. */
    stop: handover.stop,
  };
}
