import type { Logger } from "pino";
import { SYSTEM_CLOCK } from "../flow/clock.ts";
import { type TellSlow, timeSteps } from "../flow/step-times.ts";
import { createStreamTimes, type StreamTimes } from "../flow/stream-times.ts";
import { askLag, type LaneLag } from "../jetstream/lag.ts";
import { watchLag } from "../jetstream/lag-watch.ts";
import { createOwnership, type Ownership } from "../members/ownership.ts";
import type { Lane } from "../wire/lanes.ts";
import { followingOf, watchFollowed } from "./following.ts";
import { askForLane } from "./keeping-alike.ts";
import { openOwnReader, type ReadingParts } from "./own-reader.ts";
import type { Reading } from "./parts.ts";
import { createStocktaking } from "./stocktaking.ts";

const LAG_EVERY_MS = 5000;

/**
 * Reads no lane until some are given to it, see `Ownership`.
 *
 * @param isStarted - lanes taken at start are said together with all else.
 */
export function openReading(parts: ReadingParts, isStarted: () => boolean, stack: AsyncDisposableStack): Reading {
  const { config, denials, connection, copying, streams, path, own, trouble, observers, logger } = parts;
  const { observer } = observers;
  const onSlow = tellSlow(logger);
  const ownership = createOwnership({
    lanes: streams.lanes.all,
    standbys: config.NATSTATE_STANDBYS,
    own,
    async prepare(missing) {
      await copying.bring(missing);
      await path.publishing.learning.take(missing);
      for (const lane of missing) {
        path.publishing.offerDue(lane);
        path.resume(lane);
      }
    },
    open: (lane) => openOwnReader(parts, lane, onSlow),
    ...followingOf(parts),
    async ask(holder, lane) {
      const steps = timeSteps(SYSTEM_CLOCK);
      try {
        const reply = await askForLane(parts, holder, lane);
        steps.ended("askMs");
        const long = steps.ifLong();
        if (long !== undefined) onSlow(lane, `asked of ${holder}: ${reply}`, long);
        return reply;
      } catch (error) {
        denials.note(error);
        throw error;
      }
    },
    settle(lane) {
      path.dropQueued(lane);
      return path.publishing.settle(lane);
    },
    onMoved(how, lanes) {
      if (isStarted()) observer[how](lanes);
    },
    onReleased(lane) {
      path.forget(lane);
      // Not once all are released: until then its inspectors would take silence for rest.
      observers.inspections.released([lane]);
    },
    onTrouble: trouble.meet,
    onSlow,
  });
  // However it ends, others may take them at once.
  stack.defer(ownership.releaseAll);
  stack.defer(watchFollowed(parts, ownership));
  const times = createStreamTimes(SYSTEM_CLOCK);
  const noteTimes = createTimekeeping(times, ownership);
  const takeStock = createStocktaking(parts, ownership);
  const lag = watchLag({
    // Behind what was delivered on the same connection, which has mostly arrived when the answer does.
    jsm: connection.readings.jsm,
    everyMs: LAG_EVERY_MS,
    assigned: own.assigned,
    isCatchingUp: () => own.assigned().some((lane) => !ownership.isCaughtUp(lane)),
    async onMeasured(lags) {
      noteTimes(lags);
      await takeStock(lags);
    },
    onTrouble: (error) => logger.debug({ err: error }, "lag not measured"),
  });
  stack.defer(lag.stop);
  observers.add({ released: lag.forget });
  return {
    ...{ ownership, lag, times },
    async ask(lanes) {
      const asked = await askLag(connection.readings.jsm, lanes);
      // A lane that cannot be asked keeps no other from going on.
      noteTimes(asked.flatMap((result) => (result.status === "fulfilled" ? [result.value] : [])));
    },
  };
}

/** For whoever asks why nothing was decided in a partition for a while. */
function tellSlow(logger: Logger): TellSlow<Lane> {
  return ({ stream, partition }, what, steps) =>
    logger.info({ stream, partition, what, ...steps }, "a partition took more than a second to move");
}

/** What a measurement of the lag says about time: how late it is, and which lanes were read to there. */
function createTimekeeping(times: StreamTimes, ownership: Ownership): (lags: readonly LaneLag[]) => void {
  return (lags) => {
    for (const { lane, lag, streamMs, consumer } of lags) {
      if (streamMs === undefined) continue;
      times.read(lane.stream, streamMs);
      // What another consumer leaves out is no less unread for being delivered past.
      if (lag === 0 && !consumer.isChanged && ownership.isCaughtUp(lane)) times.caughtUp(lane, streamMs);
    }
  };
}
