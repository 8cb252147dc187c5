import type { GaugeReadings } from "../ops/gauges.ts";
import type { Parts } from "./parts.ts";

export function readGauges(
  parts: Pick<Parts, "types" | "store" | "connection" | "streams" | "path" | "standing" | "ticking" | "readiness">,
): GaugeReadings {
  const { types, store, connection, streams, path, standing, ticking, readiness } = parts;
  const { queries } = store;
  return {
    lag: [...readiness.lag()].map(([lane, value]) => ({ type: lane.type, partition: lane.partition, value })),
    ready: readiness.health().ready,
    actors: types.map((type) => {
      const partitions = standing.ownedPartitions(type);
      const { quarantined, retired } = queries.stats(type, partitions);
      const ticks = { ticksOnTheirWay: ticking.onTheirWay(type), tickOverdueMs: ticking.overdueMs(type) };
      return { type, ...ticks, quarantined, retired, undecidedSinceMs: queries.undecidedSince(type, partitions) };
    }),
    owned: readiness.reading().length,
    partitions: streams.lanes.all.length,
    hot: path.actors.size(),
    backlog: path.publishing.backlog(),
    connected: connection.isConnected(),
    pausedSinceMs: path.pause()?.sinceMs ?? null,
  };
}
