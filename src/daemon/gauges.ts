import type { ActorType } from "../actor/actor-type.ts";
import type { GaugeReadings } from "../ops/gauges.ts";
import type { Parts } from "./parts.ts";

export function readGauges(
  parts: Pick<Parts, "types" | "store" | "connection" | "streams" | "path" | "standing" | "ticking" | "readiness">,
): GaugeReadings {
  const { types, store, connection, streams, path, standing, ticking, readiness } = parts;
  const { stats, undecidedSince } = store.queries;
  const own = new Map(types.map((type) => [type, standing.ownedPartitions(type)]));
  const counts = new Map(types.map((type) => [type, stats(type, own.get(type))]));
  const ofEach = (read: (type: ActorType) => number | undefined) =>
    types.map((type) => [{ actor: type.name }, read(type) ?? 0] as const);
  return {
    ready: Number(readiness.health().ready),
    undecided: ofEach((type) => secondsSince(undecidedSince(type, own.get(type)))),
    quarantined: ofEach((type) => counts.get(type)?.quarantined),
    retired: ofEach((type) => counts.get(type)?.retired),
    ticksOnTheirWay: ofEach(ticking.onTheirWay),
    ticksOverdue: ofEach((type) => ticking.overdueMs(type) / 1000),
    lag: [...readiness.lag()].map(([{ type, partition }, lag]) => [{ actor: type.name, partition }, lag]),
    owned: readiness.reading().length,
    partitions: streams.lanes.all.length,
    hot: path.actors.size(),
    backlog: path.publishing.backlog(),
    connected: Number(connection.isConnected()),
    paused: secondsSince(path.pause()?.sinceMs ?? null),
  };
}

/** @param sinceMs - since the epoch. */
function secondsSince(sinceMs: number | null): number {
  return sinceMs === null ? 0 : Math.max(0, Date.now() - sinceMs) / 1000;
}
