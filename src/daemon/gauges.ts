import type { ActorType } from "../actor/actor-type.ts";
import type { GaugeReadings } from "../ops/gauges.ts";
import type { Lanes } from "../wire/lanes.ts";
import type { Connection } from "./connection.ts";
import type { Store } from "./open-store.ts";
import type { Path } from "./path.ts";
import type { Readiness } from "./readiness.ts";
import type { Standing } from "./standing.ts";

export interface GaugeSources {
  readonly types: readonly ActorType[];
  readonly store: Store;
  readonly connection: Connection;
  readonly lanes: Lanes;
  readonly path: Path;
  readonly standing: Standing;
  readonly readiness: Readiness;
}

/** What the gauges show now. */
export function readGauges(sources: GaugeSources): GaugeReadings {
  const { types, store, connection, lanes, path, standing, readiness } = sources;
  const { queries } = store;
  return {
    lag: [...readiness.lag()].map(([lane, value]) => ({ type: lane.type, partition: lane.partition, value })),
    ready: readiness.health().ready,
    actors: types.map((type) => {
      const partitions = standing.ownedPartitions(type);
      const { quarantined, retired } = queries.stats(type, partitions);
      return { type, quarantined, retired, undecidedSinceMs: queries.undecidedSince(type, partitions) };
    }),
    owned: readiness.reading().length,
    partitions: lanes.all.length,
    hot: path.actors.size(),
    backlog: path.publishing.backlog(),
    connected: connection.isConnected(),
    pausedSinceMs: path.pause()?.sinceMs ?? null,
  };
}
