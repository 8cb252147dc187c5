import { watchCutOff } from "../jetstream/cut-off.ts";
import { type Election, watchElections } from "../jetstream/elections.ts";
import { consumerName } from "../wire/names.ts";
import type { Parts } from "./parts.ts";

/**
 * Where NATS is a cluster: whoever reads or publishes hears of another leader as soon as there is one, and a server that is
 * cut off is left; this ends with the stack.
 */
export function watchCluster(
  { connection, streams, reading, readiness }: Pick<Parts, "connection" | "streams" | "reading" | "readiness">,
  stack: AsyncDisposableStack,
): void {
  const { session, readings } = connection;
  const names = streams.found.map(({ name }) => name);

  function elected({ stream, consumer, leader }: Election): void {
    if (consumer === undefined) readiness.elected(stream, leader);
    const lane = streams.lanes.all.find(
      ({ type, partition, ...lane }) => lane.stream === stream && consumerName(type, partition) === consumer,
    );
    if (lane !== undefined) reading.ownership.elected(lane, leader);
  }

  // Where deliveries arrive: what the former leader has delivered comes before.
  stack.defer(watchElections(readings.nc, names, elected));
  for (const each of [session, readings]) stack.defer(watchCutOff(each, names));
}
