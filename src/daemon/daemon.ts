import { setTimeout as delay } from "node:timers/promises";
import type { Logger } from "pino";
import type { ActorType } from "../actor/actor-type.ts";
import { checkActorTypes } from "../actor/check-actor-types.ts";
import { type Config, ConfigError } from "../config/config.ts";
import type { ReachCrashPoint } from "../flow/crash-points.ts";
import { createOwnLanes } from "../jetstream/own-lanes.ts";
import type { Health } from "../ops/health.ts";
import { createMetrics } from "../ops/metrics.ts";
import { readInstanceId } from "../store/instance-id.ts";
import type { Lane } from "../wire/lanes.ts";
import { connect } from "./connection.ts";
import { createDoors } from "./doors.ts";
import { readGauges } from "./gauges.ts";
import { createLaneTrouble } from "./lane-trouble.ts";
import { startMaintenance } from "./maintenance.ts";
import { openObservers } from "./observers.ts";
import { openStore } from "./open-store.ts";
import { openPath } from "./path.ts";
import { watchReadiness } from "./readiness.ts";
import { openReading } from "./reading.ts";
import { shareLanes } from "./sharing.ts";
import { createStanding } from "./standing.ts";
import { openStreams } from "./streams.ts";
import { createWaiting } from "./waiting.ts";

/** A running daemon. */
export interface Daemon {
  readonly natsUrl: string;
  /** Null when NATSTATE_HTTP is off. */
  readonly httpUrl: string | null;
  readonly storeFile: string;
  readonly version: string;
  /** Of the data directory, the same after every start. */
  readonly instance: string;
  /** Those that are read now, by event stream. */
  partitions(): ReadonlyMap<string, readonly number[]>;
  health(): Health;
  /**
   * Takes no more, applies what has arrived, publishes what is due, closes. Within 10 s; what is left is taken up by
   * the next start.
   */
  stop(): Promise<void>;
}

export interface DaemonOptions {
  readonly config: Config;
  readonly env: NodeJS.ProcessEnv;
  readonly types: readonly ActorType[];
  readonly logger: Logger;
  /** Streams whose recreation or loss of messages is accepted, by name. */
  readonly acceptStreams?: readonly string[];
  /** Something that only a person can resolve; the daemon has stopped reading. */
  readonly onFatal: (error: Error) => void;
  /** For long steps at start, such as fetching a server. */
  readonly onProgress?: (message: string) => void;
  /** False: rejects when NATS does not answer at start, instead of waiting until it does. */
  readonly mayWait?: boolean;
  /** Aborted: the start no longer waits for NATS, and rejects. */
  readonly signal?: AbortSignal;
  /** Told the moments of the path; tests end the process at one. */
  readonly reached?: ReachCrashPoint;
}

const LAST_LAG_MS = 1000;
const VERSION = "0.1.0";

/**
 * Joins the rooms: NATS on one side, SQLite on the other, the path between them. Read `flow/processor.ts` for what
 * happens to an event; the files beside this one say who is told what. What is opened first is closed last.
 *
 * @throws ConfigError, StoreError, NatsSetupError, StreamIdentityError, ServerBinaryError or EmbeddedServerError when it
 *   cannot start; whatever was opened is closed again.
 */
export async function startDaemon(options: DaemonOptions): Promise<Daemon> {
  await using stack = new AsyncDisposableStack();
  const daemon = await open(options, stack);
  // It is running: from now on it is closed by `stop`.
  const running = stack.move();
  let stopping: Promise<void> | undefined;
  return {
    ...daemon,
    stop: () => (stopping ??= daemon.drain().then(() => running.disposeAsync())),
  };
}

type Opened = Omit<Daemon, "stop"> & {
  /** Reads no more, and brings what was read to its end. */
  drain(): Promise<void>;
};

async function open(options: DaemonOptions, stack: AsyncDisposableStack): Promise<Opened> {
  const problems = checkActorTypes(options.types);
  if (problems.length > 0) throw new ConfigError(problems);
  const inside = await openInside(options, stack);
  return openOutside(options, inside, stack);
}

/** Store, connections, streams, and the path between them; no lane is read yet. */
async function openInside(options: DaemonOptions, stack: AsyncDisposableStack) {
  const { config, env, types, logger, onFatal, mayWait = true, signal, reached = () => {} } = options;
  const store = openStore(config, logger, stack);
  const metrics = createMetrics({ types });
  const waiting = createWaiting({ config, logger, metrics, mayWait, signal });
  stack.defer(waiting.close);
  const { patiently } = waiting;
  const connection = await connect({ ...options, patiently }, stack);
  const { session } = connection;
  const accepted = options.acceptStreams ?? [];
  const streams = await openStreams({ config, types, session, store, patiently, accepted, logger });
  const { lanes } = streams;
  const own = createOwnLanes();
  const shared = { config, types, version: VERSION, logger, metrics, store, connection, streams, own, reached };
  const observers = await openObservers({ ...shared, env, lanes }, stack);
  const { observer } = observers;
  const trouble = createLaneTrouble(logger, onFatal);
  const path = openPath({ ...shared, observer, onRefused: trouble.meet, onFatal }, stack);
  await patiently(() => path.missing.accept(lanes.all.filter(({ stream }) => accepted.includes(stream))));
  return { ...shared, waiting, lanes, observers, observer, trouble, path };
}

/** Lanes are shared with the other daemons and read, questions are answered. */
async function openOutside(
  { config, types, logger }: DaemonOptions,
  inside: Awaited<ReturnType<typeof openInside>>,
  stack: AsyncDisposableStack,
): Promise<Opened> {
  const { store, connection, streams, own, lanes, observers, path } = inside;
  const { session, isConnected } = connection;
  let isStarted = false;
  const reading = openReading({ ...inside, isStarted: () => isStarted }, stack);
  const { ownership, lag } = reading;
  const readiness = watchReadiness({
    ...{ types, session, isConnected, topology: streams.watch, own, ownership, lag, logger },
    ...{ activity: observers.activity, publisher: path.publisher, pause: path.pause },
    streams: streams.found.map(({ name }) => name),
  });
  stack.defer(readiness.stop);
  const instance = readInstanceId(config.NATSTATE_DATA);
  const standing = createStanding({ lanes, own, ownership, path, readiness, queries: store.queries });
  const doors = createDoors({ ...inside, ...observers, instance, standing, readiness });
  const service = await doors.openNats();
  stack.defer(() => service.stop());
  connection.onReturn(() => {
    readiness.askAnew();
    ownership.doubtAll("connection");
  });
  const us = { id: service.id, instance };
  const stopSharing = await shareLanes({ ...inside, ownership, us }, stack);
  await lag.measure();
  inside.metrics.gauges(() => readGauges({ ...inside, standing, readiness }));
  const endMaintenance = startMaintenance({ ...inside, reading });
  stack.defer(endMaintenance);
  await inside.waiting.end();
  const http = await doors.openHttp();
  stack.defer(() => http?.close());
  isStarted = true;
  return {
    natsUrl: connection.natsUrl,
    httpUrl: http?.url ?? null,
    storeFile: store.file,
    version: VERSION,
    instance,
    partitions: () => partitionsByStream(own.taken()),
    health: readiness.health,
    async drain() {
      lag.stop();
      endMaintenance();
      stopSharing();
      await path.drain();
      if (isConnected()) await Promise.race([lag.measure(), delay(LAST_LAG_MS)]);
      await ownership.releaseAll();
    },
  };
}

function partitionsByStream(lanes: readonly Lane[]): ReadonlyMap<string, readonly number[]> {
  const partitions = ({ partition }: Lane) => partition;
  return new Map([...Map.groupBy(lanes, ({ stream }) => stream)].map(([stream, own]) => [stream, own.map(partitions)]));
}
