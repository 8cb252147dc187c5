import { resolve } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { createDenials } from "../members/denials.ts";
import type { Lane } from "../wire/lanes.ts";
import { watchCluster } from "./cluster.ts";
import { createDoors } from "./doors.ts";
import { type Foundation, openFoundation } from "./foundation.ts";
import { readGauges } from "./gauges.ts";
import { handOver, leaveLanes } from "./leaving.ts";
import { startMaintenance } from "./maintenance.ts";
import { createOwnRecord } from "./own-record.ts";
import type { DaemonOptions, Parts } from "./parts.ts";
import { watchReadiness } from "./readiness.ts";
import { openReading } from "./reading.ts";
import { writeRuntimeFile } from "./runtime-file.ts";
import { shareLanes } from "./sharing.ts";
import { createStanding } from "./standing.ts";
import { startTicking } from "./ticking.ts";

export type Daemon = Awaited<ReturnType<typeof openDaemon>>;

const LAST_LAG_MS = 1000;

/**
 * Joins the rooms: NATS on one side, SQLite on the other, the path between them. Read `flow/processor.ts` for what
 * happens to an event; the files beside this one say who is told what. What is opened first is closed last.
 *
 * @throws ConfigError, StoreError, NatsSetupError, StreamIdentityError, ServerBinaryError or EmbeddedServerError when it
 *   cannot start; whatever was opened is closed again.
 */
export async function openDaemon(options: DaemonOptions) {
  await using stack = new AsyncDisposableStack();
  const { drain, ...daemon } = await beginWork(await openFoundation(options, stack), stack);
  // It is running: from now on it is closed by `stop`.
  const running = stack.move();
  let stopping: Promise<void> | undefined;
  return {
    ...daemon,
    /**
     * Takes no more, applies what has arrived, publishes what is due, closes. Within 10 s; what is left is taken up by
     * the next start.
     */
    stop: () => (stopping ??= drain().finally(() => running.disposeAsync())),
  };
}

/** Lanes are shared with the other daemons and read, questions are answered. */
async function beginWork(foundation: Foundation, stack: AsyncDisposableStack) {
  const { connection, own, path, copying } = foundation;
  let isStarted = false;
  const denials = createDenials();
  const reading = openReading({ ...foundation, denials }, () => isStarted, stack);
  const { ownership, lag } = reading;
  const ticking = startTicking({ ...foundation, reading }, stack);
  const readiness = watchReadiness({ ...foundation, denials, reading, ticking });
  stack.defer(readiness.stop);
  const standing = createStanding({ ...foundation, reading, readiness });
  const parts: Parts = { ...foundation, reading, ticking, readiness, standing };
  const doors = createDoors(parts);
  await foundation.waiting.takeAddress();
  const service = await doors.openNats();
  stack.defer(() => service.stop());
  const record = createOwnRecord(parts, service.id);
  connection.onReturn((how) => {
    readiness.askAnew(how);
    ownership.doubtAll("connection");
  });
  watchCluster(parts, stack);
  const membership = await shareLanes({ ...parts, denials }, record, service, stack);
  await lag.measure();
  parts.metrics.gauges(() => readGauges(parts));
  const endMaintenance = startMaintenance(parts, membership.members);
  stack.defer(endMaintenance);
  await foundation.waiting.end();
  const http = await doors.openHttp(membership.members);
  stack.defer(() => http?.close());
  record.listensAt(http?.url ?? null);
  isStarted = true;
  const urls = { natsUrl: connection.natsUrl, httpUrl: http?.url ?? null };
  // Several are found, and ended, by their supervisor.
  if (parts.siblings === undefined) stack.defer(writeRuntimeFile(resolve(parts.config.NATSTATE_DATA), urls));
  return {
    ...urls,
    version: parts.version,
    /** Of the data directory, the same after every start. */
    instance: parts.instance,
    /** Those that are read now, by event stream. */
    partitions: () => partitionsByStream(own.taken()),
    health: readiness.health,
    /** Resolves when other daemons have all partitions; to be stopped then. @throws the reason of the signal. */
    leave: (signal: AbortSignal) => leaveLanes(parts, record, membership, signal),
    /** Reads no more, and brings what was read to its end. */
    async drain(): Promise<void> {
      // A lane that waits for another daemon would keep those from being handed over that are read.
      ownership.takeNoMore();
      copying.takeNoMore();
      await handOver(parts, record, membership);
      lag.stop();
      ticking.stop();
      endMaintenance();
      membership.stop();
      copying.stop();
      await path.drain();
      if (connection.isConnected()) await Promise.race([lag.measure(), delay(LAST_LAG_MS)]);
      await ownership.releaseAll();
      membership.announce();
    },
  };
}

function partitionsByStream(lanes: readonly Lane[]): ReadonlyMap<string, readonly number[]> {
  const partitions = ({ partition }: Lane) => partition;
  return new Map([...Map.groupBy(lanes, ({ stream }) => stream)].map(([stream, own]) => [stream, own.map(partitions)]));
}
