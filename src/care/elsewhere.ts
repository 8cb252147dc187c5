import type { JetStreamManager } from "@nats-io/jetstream";
import type { Lane } from "../wire/lanes.ts";
import { consumerName } from "../wire/names.ts";

/**
 * Lanes of which more is acknowledged than this store has applied: a daemon acknowledges what it has committed, so another
 * one, with a store of its own, reads them.
 *
 * @param checkpointOf - asked after the server has answered.
 * @returns their partitions.
 */
export async function readElsewhere(
  jsm: JetStreamManager,
  lanes: readonly Lane[],
  checkpointOf: (lane: Lane) => number,
): Promise<number[]> {
  const acknowledged = await Promise.all(
    lanes.map(async ({ type, stream, partition }) => {
      const info = await jsm.consumers.info(stream, consumerName(type, partition));
      return info.ack_floor.stream_seq;
    }),
  );
  return lanes.flatMap((lane, index) => ((acknowledged[index] ?? 0) > checkpointOf(lane) ? [lane.partition] : []));
}
