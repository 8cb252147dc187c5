import type { Logger } from "pino";
import { NatsSetupError } from "../jetstream/connect.ts";
import { rememberStreams } from "../jetstream/known-streams.ts";
import type { LostMessages } from "../jetstream/outbox-streams.ts";
import { payloadProblem } from "../jetstream/stream-configs.ts";
import { ensureStreams } from "../jetstream/topology.ts";
import { createTopologyWatch } from "../jetstream/topology-watch.ts";
import { createLanes } from "../wire/lanes.ts";
import { topologyOf } from "./nats-setup.ts";
import type { Parts, Streams } from "./parts.ts";

/**
 * Makes or checks the streams, and holds them against what the store knows of them.
 *
 * @throws NatsSetupError, StreamIdentityError
 */
export async function openStreams(
  options: Pick<Parts, "config" | "types" | "connection" | "store" | "patiently" | "logger">,
  accepted: readonly string[],
): Promise<Streams> {
  const { config, types, connection, store, patiently, logger } = options;
  const { nc, jsm } = connection.session;
  const topology = topologyOf(config);
  const tooLarge = payloadProblem(nc.info?.max_payload ?? Number.POSITIVE_INFINITY, topology);
  if (tooLarge !== null) throw new NatsSetupError(tooLarge);
  const found = await patiently(() =>
    ensureStreams(jsm, types, topology, (stream, subjects) =>
      logger.info({ stream, subjects }, "the stream has subjects of actor types that are not here, they are let be"),
    ),
  );
  const lanes = createLanes(types, topology.partitions);
  const known = { jsm, records: store.records, outboxStreams: store.outboxStreams, found, accepted };
  const lost = await patiently(() =>
    rememberStreams({
      ...known,
      lanes: lanes.all,
      partitions: topology.partitions,
      onAccepted: (stream, what) => logger.warn({ ...stream, ...what }, "stream accepted"),
    }),
  );
  logLost(logger, lost);
  return { topology, found, lanes, watch: createTopologyWatch(jsm, types, topology) };
}

/** Says what streams have lost of ours. */
export function logLost(logger: Logger, lost: readonly LostMessages[]): void {
  for (const what of lost) {
    logger.warn(what, "a stream has lost messages of ours, restored from a copy? They are published again");
  }
}
