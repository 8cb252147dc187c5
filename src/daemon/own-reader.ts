import type { TellSlow } from "../flow/step-times.ts";
import { type LaneReader, readLane } from "../jetstream/lane-reader.ts";
import type { Denials } from "../members/denials.ts";
import type { Lane } from "../wire/lanes.ts";
import type { Foundation } from "./foundation.ts";

export type ReadingParts = Foundation & { readonly denials: Denials };

/** Reads a lane as its owner, that has just been made ready for it. */
export function openOwnReader(
  { denials, connection, streams, store, path, observers }: ReadingParts,
  lane: Lane,
  onSlow: TellSlow<Lane>,
): LaneReader {
  const { learning } = path.publishing;
  let isReady = true;
  return readLane({
    jsm: connection.session.jsm,
    nc: connection.readings.nc,
    js: connection.readings.js,
    lane,
    manage: streams.topology.manage,
    mayTakeOver: () => denials.troubles().length === 0,
    async prepare() {
      const wasReady = isReady;
      // Also when it cannot be read now: until it is tried again another one may have had it, or the stream be made anew.
      isReady = false;
      // What is asked while NATS is away is lost, and would be waited for when it is back.
      if (!connection.isConnected()) throw new Error("not connected");
      // What is published was learnt a moment ago: to learn it twice is half of what a move takes.
      if (wasReady) learning.refuseOlder(lane);
      else await learning.again(lane);
    },
    checkpoint: () => store.journal.checkpoint(lane),
    onDelivery: path.arrive,
    room: path.room,
    onSlow,
    onMended: (differences) => observers.observer.mended(lane, differences),
    onChanged: () => store.records.goBack(lane),
    onDoubt(reason, detail) {
      path.dropQueued(lane);
      observers.observer.doubted(reason, lane, detail);
    },
  });
}
