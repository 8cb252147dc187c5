import type { Logger } from "pino";
import type { Observer } from "../flow/observer.ts";
import { type LagWatch, watchLag } from "../jetstream/lag.ts";
import { type LaneReader, readLane } from "../jetstream/lane-reader.ts";
import type { OwnLanes } from "../jetstream/own-lanes.ts";
import { createOwnership, type Ownership } from "../jetstream/ownership.ts";
import type { Lane } from "../wire/lanes.ts";
import type { Connection } from "./connection.ts";
import type { LaneTrouble } from "./lane-trouble.ts";
import type { Store } from "./open-store.ts";
import type { Path } from "./path.ts";
import { createStocktaking } from "./stocktaking.ts";
import type { Streams } from "./streams.ts";

/** The lanes that are ours: read, and how far behind each is. */
export interface Reading {
  readonly ownership: Ownership;
  readonly lag: LagWatch;
}

export interface ReadingOptions {
  readonly connection: Connection;
  readonly streams: Streams;
  readonly store: Store;
  readonly path: Path;
  readonly own: OwnLanes;
  readonly trouble: LaneTrouble;
  readonly observer: Required<Observer>;
  readonly logger: Logger;
  /** Lanes taken at start are said together with all else. */
  readonly isStarted: () => boolean;
}

const LAG_EVERY_MS = 5000;

/** Reads no lane until some are given to it, see {@link Ownership}. */
export function openReading(options: ReadingOptions, stack: AsyncDisposableStack): Reading {
  const { connection, streams, path, own, trouble, observer, logger, isStarted } = options;
  const ownership = createOwnership({
    lanes: streams.lanes.all,
    own,
    async prepare(missing) {
      await path.publishing.learning.take(missing);
      for (const lane of missing) path.publishing.offerDue(lane);
    },
    open: (lane) => openReader(options, lane),
    onMoved(how, lanes) {
      if (how === "released") observer.released(lanes);
      else if (isStarted()) observer.taken(lanes);
    },
    onReleased: path.forget,
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
    onMeasured: createStocktaking({ ...options, ownership }),
    onTrouble: (error) => logger.debug({ err: error }, "lag not measured"),
  });
  stack.defer(lag.stop);
  return { ownership, lag };
}

function openReader({ connection, streams, store, path, observer }: ReadingOptions, lane: Lane): LaneReader {
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
    onMended: (differences) => observer.mended(lane, differences),
    onChanged: () => store.records.goBack(lane),
    onDoubt(reason, detail) {
      path.dropQueued(lane);
      observer.doubted(reason, lane, detail);
    },
  });
}
