import type { LaneLag } from "../jetstream/lag.ts";
import { StreamIdentityError } from "../jetstream/stream-identity.ts";
import type { Ownership } from "../members/ownership.ts";
import type { Lane } from "../wire/lanes.ts";
import type { Foundation } from "./foundation.ts";

/**
 * What follows from each measurement of the lag: streams and consumers that somebody has edited are noticed, what was
 * delivered is held against what arrived, and it is noted up to where each lane lacks nothing.
 */
export function createStocktaking(
  parts: Foundation,
  ownership: Ownership,
): (lags: readonly LaneLag[]) => Promise<void> {
  const { streams, store, path, own, trouble, connection } = parts;

  async function examineTopology(lags: readonly LaneLag[]): Promise<void> {
    if (connection.isConnected()) await streams.watch.look();
    const reading = ownership.reading();
    for (const { lane, consumer } of lags) {
      if (!reading.includes(lane)) continue;
      if (consumer.isChanged) ownership.doubt(lane, "consumer_changed", consumer.problem ?? "");
      else if (streams.watch.isRedirected(lane.stream)) ownership.doubt(lane, "failed", "the stream was edited");
    }
  }

  function completeTo({ lane, completeTo, deliveredTo }: LaneLag): number {
    // What was delivered to, and acknowledged by, another owner or an earlier run is not in this store.
    const isOurs = deliveredTo <= store.records.completeTo(lane);
    const isEmpty = completeTo !== null && isOurs && path.queued() === 0;
    return isEmpty ? completeTo : Math.min(store.journal.checkpoint(lane), deliveredTo);
  }

  return async (lags) => {
    await examineTopology(lags);
    const taken = own.taken();
    const complete = new Map<Lane, number>();
    for (const measured of lags) {
      const { lane, delivered, consumer } = measured;
      // What another consumer leaves out is no less missing for being delivered past.
      if (!taken.includes(lane) || consumer.isChanged) continue;
      ownership.audit(lane, delivered);
      complete.set(lane, completeTo(measured));
    }
    try {
      // After the answers above: nothing was left to read of a lane because it was read, not because it is gone.
      await path.missing.check([...complete.keys()]);
    } catch (error) {
      if (!(error instanceof StreamIdentityError)) throw error;
      trouble.meet(error);
      return;
    }
    store.records.saveCompleteTo(complete);
    path.missing.forget([...taken, ...ownership.following()]);
  };
}
