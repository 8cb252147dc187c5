import type { Logger } from "pino";
import type { ActorType } from "../actor/actor-type.ts";
import { NatsSetupError } from "../jetstream/connect.ts";
import { rememberStreams } from "../jetstream/known-streams.ts";
import type { LostMessages } from "../jetstream/outbox-streams.ts";
import type { Patience } from "../jetstream/patience.ts";
import { payloadProblem } from "../jetstream/stream-configs.ts";
import { ensureStreams } from "../jetstream/topology.ts";
import { createTopologyWatch } from "../jetstream/topology-watch.ts";
import { createLanes } from "../wire/lanes.ts";
import type { Connection } from "./connection.ts";
import { type OwnServerOptions, topologyOf } from "./nats-setup.ts";
import type { Store } from "./open-store.ts";

/** The streams as they are, and as the store knows them. */
export type Streams = Awaited<ReturnType<typeof openStreams>>;

interface StreamsOptions extends Pick<OwnServerOptions, "config" | "logger"> {
  readonly types: readonly ActorType[];
  readonly connection: Connection;
  readonly store: Store;
  readonly patiently: Patience;
}

/**
 * Makes or checks the streams, and holds them against what the store knows of them.
 *
 * @throws NatsSetupError, StreamIdentityError
 */
export async function openStreams(options: StreamsOptions, accepted: readonly string[]) {
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
  return {
    topology,
    /** Event streams in the order of their types, then DECISIONS and DEAD_LETTERS. */
    found,
    lanes,
    watch: createTopologyWatch(jsm, types, topology),
  };
}

export function logLost(logger: Logger, lost: readonly LostMessages[]): void {
  for (const what of lost) {
    logger.warn(what, "a stream has lost messages of ours, restored from a copy? They are published again");
  }
}
