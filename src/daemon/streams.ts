import type { Logger } from "pino";
import type { ActorType } from "../actor/actor-type.ts";
import type { Config } from "../config/config.ts";
import { NatsSetupError } from "../jetstream/connect.ts";
import { rememberStreams } from "../jetstream/known-streams.ts";
import type { LostMessages } from "../jetstream/outbox-streams.ts";
import type { Patience } from "../jetstream/patience.ts";
import type { Session } from "../jetstream/session.ts";
import { payloadProblem, type TopologyOptions } from "../jetstream/stream-configs.ts";
import type { StreamIdentity } from "../jetstream/stream-identity.ts";
import { ensureStreams } from "../jetstream/topology.ts";
import { createTopologyWatch, type TopologyWatch } from "../jetstream/topology-watch.ts";
import { createLanes, type Lanes } from "../wire/lanes.ts";
import { topologyOf } from "./nats-setup.ts";
import type { Store } from "./open-store.ts";

/** The streams as they are, and as the store knows them. */
export interface Streams {
  readonly topology: TopologyOptions;
  /** Event streams in the order of their types, then DECISIONS and DEAD_LETTERS. */
  readonly found: readonly StreamIdentity[];
  readonly lanes: Lanes;
  readonly watch: TopologyWatch;
  /** The same for all daemons that share these event streams. */
  readonly cluster: string;
}

export interface StreamsOptions {
  readonly config: Config;
  readonly types: readonly ActorType[];
  readonly session: Session;
  readonly store: Store;
  readonly patiently: Patience;
  readonly accepted: readonly string[];
  readonly logger: Logger;
}

/**
 * Makes or checks the streams, and holds them against what the store knows of them.
 *
 * @throws NatsSetupError, StreamIdentityError
 */
export async function openStreams(options: StreamsOptions): Promise<Streams> {
  const { config, types, session, store, patiently, accepted, logger } = options;
  const { nc, jsm } = session;
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
  const cluster = found
    .slice(0, types.length)
    .map((stream) => `${stream.name}@${stream.created}`)
    .join();
  return { topology, found, lanes, watch: createTopologyWatch(jsm, types, topology), cluster };
}

/** Says what streams have lost of ours. */
export function logLost(logger: Logger, lost: readonly LostMessages[]): void {
  for (const what of lost) {
    logger.warn(what, "a stream has lost messages of ours, restored from a copy? They are published again");
  }
}
