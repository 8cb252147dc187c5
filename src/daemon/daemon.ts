import { setTimeout as delay } from "node:timers/promises";
import type { Health } from "../ops/health.ts";
import { readInstanceId } from "../store/instance-id.ts";
import type { Lane } from "../wire/lanes.ts";
import { createDoors } from "./doors.ts";
import { readGauges } from "./gauges.ts";
import { type DaemonOptions, openInside } from "./inside.ts";
import { startMaintenance } from "./maintenance.ts";
import { watchReadiness } from "./readiness.ts";
import { openReading } from "./reading.ts";
import { shareLanes } from "./sharing.ts";
import { createStanding } from "./standing.ts";

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

const LAST_LAG_MS = 1000;

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
    stop: () => (stopping ??= daemon.drain().finally(() => running.disposeAsync())),
  };
}

type Opened = Omit<Daemon, "stop"> & {
  /** Reads no more, and brings what was read to its end. */
  drain(): Promise<void>;
};

async function open(options: DaemonOptions, stack: AsyncDisposableStack): Promise<Opened> {
  const inside = await openInside(options, stack);
  return openOutside(options, inside, stack);
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
    ...{ activity: observers.activity, publisher: path.publishing, pause: path.pause },
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
    version: inside.version,
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
