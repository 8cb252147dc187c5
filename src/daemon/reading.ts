import { watchLag } from "../jetstream/lag-watch.ts";
import { type LaneReader, readLane } from "../jetstream/lane-reader.ts";
import { createOwnership } from "../jetstream/ownership.ts";
import type { Lane } from "../wire/lanes.ts";
import type { Parts, Reading } from "./parts.ts";
import { createStocktaking, type StocktakingParts } from "./stocktaking.ts";

type ReadingParts = StocktakingParts & Pick<Parts, "observers" | "logger">;

const LAG_EVERY_MS = 5000;

/**
 * Reads no lane until some are given to it, see `Ownership`.
 *
 * @param isStarted - lanes taken at start are said together with all else.
 */
export function openReading(parts: ReadingParts, isStarted: () => boolean, stack: AsyncDisposableStack): Reading {
  const { connection, streams, path, own, trouble, observers, logger } = parts;
  const { observer } = observers;
  const ownership = createOwnership({
    lanes: streams.lanes.all,
    own,
    async prepare(missing) {
      await path.publishing.learning.take(missing);
      for (const lane of missing) path.publishing.offerDue(lane);
    },
    open: (lane) => openReader(parts, lane),
    onMoved(how, lanes) {
      if (isStarted()) observer[how](lanes);
    },
    onReleased(lane) {
      path.forget(lane);
      // Not once all are released: until then its inspectors would take silence for rest.
      observers.inspections.released([lane]);
    },
    onTrouble: trouble.meet,
  });
  // However it ends, others may take them at once.
  stack.defer(ownership.releaseAll);
  const lag = watchLag({
    // Behind what was delivered on the same connection, which has mostly arrived when the answer does.
    jsm: connection.readings.jsm,
    everyMs: LAG_EVERY_MS,
    assigned: own.assigned,
    isCatchingUp: () => own.assigned().some((lane) => !ownership.isCaughtUp(lane)),
    onMeasured: createStocktaking(parts, ownership),
    onTrouble: (error) => logger.debug({ err: error }, "lag not measured"),
  });
  stack.defer(lag.stop);
  observers.add({ released: lag.forget });
  return { ownership, lag };
}

function openReader({ connection, streams, store, path, observers }: ReadingParts, lane: Lane): LaneReader {
  return readLane({
    jsm: connection.session.jsm,
    js: connection.readings.js,
    lane,
    manage: streams.topology.manage,
    async prepare() {
      // What is asked while NATS is away is lost, and would be waited for when it is back.
      if (!connection.isConnected()) throw new Error("not connected");
      await path.publishing.learning.again(lane);
    },
    checkpoint: () => store.journal.checkpoint(lane),
    onDelivery: path.arrive,
    room: path.room,
    onMended: (differences) => observers.observer.mended(lane, differences),
    onChanged: () => store.records.goBack(lane),
    onDoubt(reason, detail) {
      path.dropQueued(lane);
      observers.observer.doubted(reason, lane, detail);
    },
  });
}
