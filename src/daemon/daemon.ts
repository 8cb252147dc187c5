import { join } from "node:path";
import type { Logger } from "pino";
import type { ActorType } from "../actor/actor-type.ts";
import { checkActorTypes } from "../actor/check-actor-types.ts";
import { createActivity } from "../answers/activity.ts";
import type { Past, Whereabouts } from "../answers/find-actor.ts";
import { createInspections } from "../answers/inspection.ts";
import { createQuestions } from "../answers/questions.ts";
import { createQuarantineControl } from "../care/release.ts";
import { startScrub } from "../care/scrub.ts";
import { type Config, ConfigError, natsAccess } from "../config/config.ts";
import { maskUrl } from "../config/values.ts";
import { placeOfCommands } from "../console/command-place.ts";
import { createHttpServer, type HttpServer } from "../console/server.ts";
import type { BatchResult } from "../flow/batch-result.ts";
import { createBatcher } from "../flow/batcher.ts";
import type { ReachCrashPoint } from "../flow/crash-points.ts";
import { createHotActors } from "../flow/hot-actors.ts";
import { createProcessor } from "../flow/processor.ts";
import { NatsSetupError, readCredentials } from "../jetstream/connect.ts";
import { openDeadLetters } from "../jetstream/dead-letters.ts";
import { createDueDecisions } from "../jetstream/due-decisions.ts";
import { rememberStreams } from "../jetstream/known-streams.ts";
import { type LaneLag, watchLag } from "../jetstream/lag.ts";
import { readLane } from "../jetstream/lane-reader.ts";
import { createMembership } from "../jetstream/membership.ts";
import { createMissingMessages } from "../jetstream/missing-messages.ts";
import type { LostMessages } from "../jetstream/outbox-streams.ts";
import { createOwnership } from "../jetstream/ownership.ts";
import { createPreparation } from "../jetstream/preparation.ts";
import { createStreamPublisher } from "../jetstream/pub-acks.ts";
import { createPublisher } from "../jetstream/publisher.ts";
import { startQueryService } from "../jetstream/query-service.ts";
import { openSession, type SessionEvent } from "../jetstream/session.ts";
import { payloadProblem } from "../jetstream/stream-configs.ts";
import { StreamIdentityError } from "../jetstream/stream-identity.ts";
import { ensureStreams } from "../jetstream/topology.ts";
import { createTopologyWatch } from "../jetstream/topology-watch.ts";
import { createConflictLog } from "../ops/conflict-log.ts";
import { createForeignMessages } from "../ops/foreign-messages.ts";
import type { Health } from "../ops/health.ts";
import { logBatch } from "../ops/log.ts";
import { createMetrics } from "../ops/metrics.ts";
import { openTraces } from "../ops/traces.ts";
import { startCheckpoints } from "../store/checkpoints.ts";
import { openDatabase } from "../store/database.ts";
import { readInstanceId } from "../store/instance-id.ts";
import { createJournal } from "../store/journal.ts";
import { createLaneRecords } from "../store/lanes.ts";
import { createOutbox } from "../store/outbox.ts";
import { createOutboxStreams } from "../store/outbox-streams.ts";
import { openQueries } from "../store/queries.ts";
import { asDamage, StoreHeldError } from "../store/store-error.ts";
import type { Lane } from "../wire/lanes.ts";
import { createLanes } from "../wire/lanes.ts";
import {
  consumerName,
  DECISIONS_STREAM,
  decisionMsgId,
  decisionSubject,
  eventSubject,
  publishedSubject,
  QUERY_SERVICE,
} from "../wire/names.ts";
import { startOwnServer, topologyOf } from "./nats-setup.ts";
import { watchReadiness } from "./readiness.ts";
import { openRetention } from "./retention.ts";
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

const LAG_EVERY_MS = 5000;
const DRAIN_MS = 5000;
const LAST_LAG_MS = 1000;
const PUBLISH_TIMEOUT_MS = 5000;
const HELD_MS = 50;
/** Decisions that may wait to be published before no more events are applied. */
const MAX_BACKLOG = 10_000;
const MAX_BACKLOG_BYTES = 67_108_864;
const VERSION = "0.1.0";

/**
 * Joins the rooms: NATS on one side, SQLite on the other, the flow between them. Read `flow/processor.ts` for what
 * happens to an event; this file only says who is told what.
 *
 * @throws ConfigError, StoreError, NatsSetupError, StreamIdentityError, ServerBinaryError or EmbeddedServerError when it
 *   cannot start; whatever was opened is closed again.
 */
export async function startDaemon(options: DaemonOptions): Promise<Daemon> {
  const closers: Closer[] = [];
  try {
    return await open(options, closers);
  } catch (error) {
    await closeAll(closers);
    throw error;
  }
}

function byStream(lanes: readonly Lane[]): ReadonlyMap<string, readonly number[]> {
  const partitions = ({ partition }: Lane) => partition;
  return new Map([...Map.groupBy(lanes, ({ stream }) => stream)].map(([stream, own]) => [stream, own.map(partitions)]));
}

type Closer = () => Promise<void> | void;

async function closeAll(closers: Closer[]): Promise<void> {
  for (const close of closers.splice(0).reverse()) await close();
}

async function open(options: DaemonOptions, closers: Closer[]): Promise<Daemon> {
  const { config, types, logger, onFatal, reached = () => {} } = options;
  const problems = checkActorTypes(types);
  if (problems.length > 0) throw new ConfigError(problems);
  const storeFile = join(config.NATSTATE_DATA, "natstate.db");
  const { db, close: closeDatabase } = openDatabase(storeFile);
  closers.push(closeDatabase);
  const checkpoints = startCheckpoints(db, storeFile, (error) => logger.warn({ err: error }, "checkpoint failed"));
  closers.push(checkpoints.stop);
  const journal = createJournal(db);
  const outbox = createOutbox(db);
  const records = createLaneRecords(db);
  const outboxStreams = createOutboxStreams(db);
  const queries = openQueries(storeFile);
  closers.push(() => queries.close());

  const embedded = await startOwnServer(options);
  if (embedded !== undefined) closers.push(() => embedded.stop());
  const natsUrl = config.NATS_URL ?? embedded?.url ?? "";
  const server = { url: natsUrl, ...readCredentials(natsAccess(config)) };
  /** Does nothing until there are lanes: a connection can come and go before. */
  let beginAnew = () => {};
  let lastTrouble: string | undefined;
  let isStarted = false;
  /** Of the commits that fail now. */
  let lastFailure: string | undefined;
  const metrics = createMetrics({ types });
  const { mayWait = true, signal } = options;
  const waiting = createWaiting({ config, logger, metrics, mayWait, signal });
  const { patiently } = waiting;
  closers.push(waiting.close);
  const session = await patiently(() => openSession({ ...server, name: QUERY_SERVICE }, onSession));
  closers.push(() => session.close());
  // Apart from the rest: answers must not wait behind the thousands of events on their way to us.
  const readings = await patiently(() => openSession({ ...server, name: `${QUERY_SERVICE}-events` }, onReadings));
  closers.push(() => readings.close());
  const { nc, js, jsm } = session;

  const topology = topologyOf(config);
  const tooLarge = payloadProblem(nc.info?.max_payload ?? Number.POSITIVE_INFINITY, topology);
  if (tooLarge !== null) throw new NatsSetupError(tooLarge);
  const found = await patiently(() => ensureStreams(jsm, types, topology, onSurplus));
  const lanes = createLanes(types, topology.partitions);
  const lost = await patiently(() =>
    rememberStreams({
      jsm,
      records,
      outboxStreams,
      found,
      lanes: lanes.all,
      partitions: topology.partitions,
      accepted: options.acceptStreams ?? [],
      onAccepted: (stream, what) => logger.warn({ ...stream, ...what }, "stream accepted"),
    }),
  );
  logLost(lost);

  const activity = createActivity(types);
  const traces = await openTraces({
    env: options.env,
    types,
    names: { eventSubject, publishedSubject, consumerName, decisionSubject, decisionMsgId },
    version: VERSION,
    onTrouble: (message) => logger.warn({ problem: message }, "spans cannot be sent, they are dropped"),
  });
  closers.push(() => traces?.stop());
  const nameForeign = createForeignMessages(logger);
  const logConflicts = createConflictLog(logger);
  const onRebuild = (type: ActorType, actorId: string) => {
    metrics.recordRebuild(type);
    logger.warn({ actorType: type.name, actorId }, "stored snapshot unusable, rebuilt from events");
  };
  const actors = createHotActors(journal, config.NATSTATE_HOT_ACTORS, onRebuild, config.NATSTATE_HOT_BYTES);
  const streams = createStreamPublisher(session, PUBLISH_TIMEOUT_MS);
  closers.push(streams.stop);
  const missing = createMissingMessages({ jsm, records, queued: (stream) => batcher.queuedOf(stream) });
  await patiently(() => missing.accept(lanes.all.filter(({ stream }) => options.acceptStreams?.includes(stream))));
  const topologyWatch = createTopologyWatch(jsm, types, topology);
  const preparation = createPreparation({
    topology: topologyWatch,
    ...{ jsm, js, records, missing, outbox, outboxStreams, partitions: topology.partitions },
    assigned: () => ownership.assigned(),
    onRefused: onTrouble,
    onLost,
    onForeign: (stream, { subject, sequence }) => nameForeign(stream, subject, [sequence]),
  });
  const publisher = createPublisher({
    streams,
    jsm,
    outbox,
    laneOf: (row) => lanes.of(row.type, row.partition),
    maxInFlight: config.NATSTATE_PUBLISH_IN_FLIGHT,
    isConnected: session.isConnected,
    owns: (lane) => ownership.owns(lane),
    beforeRetry: preparation.catchUp,
    onPublished(decisions, deadLetters) {
      metrics.recordPublished(decisions, deadLetters, Date.now());
      traces?.recordPublished(decisions, Date.now());
    },
    onReconciled: (lane, actorId) => {
      actors.evict(lane, actorId);
      logger.warn({ actorType: lane.type.name, actorId }, "another writer's decisions were taken over");
    },
    onForeign: ({ type }, actorId, sequences) =>
      nameForeign(DECISIONS_STREAM, decisionSubject(type, actorId), sequences),
    onTrouble: (error, what) => logger.warn({ err: error, what }, "not published yet, trying again"),
    onProgress() {
      due.goOn();
      batcher.resume();
    },
    reached,
  });
  const due = createDueDecisions({
    pending: outbox.pendingDecisions,
    offer: (decisions) => publisher.offer(decisions, []),
    backlog: publisher.backlog,
  });
  const processor = createProcessor(journal, actors, { maxBytes: config.NATSTATE_MAX_EVENT_BYTES }, reached);
  const batcher = createBatcher({
    processor,
    limits: { maxDeliveries: config.NATSTATE_BATCH_EVENTS, maxBytes: config.NATSTATE_BATCH_BYTES },
    hasRoom: () => publisher.backlog() < MAX_BACKLOG && publisher.backlogBytes() < MAX_BACKLOG_BYTES,
    onCommitted,
    onFailed(error, retryMs) {
      metrics.recordCommitFailure();
      const damage = asDamage(error, storeFile);
      if (damage !== undefined) return onFatal(damage);
      // Once for as long as it lasts; and what holds the store for a moment may be a checkpoint of our own.
      const lastsMs = Date.now() - (batcher.pause()?.sinceMs ?? 0);
      const isToBeSaid = error.message !== lastFailure && !(error instanceof StoreHeldError && lastsMs < HELD_MS);
      logger[isToBeSaid ? "error" : "debug"](
        { err: error, retryMs },
        "commit failed, nothing is acknowledged, trying again",
      );
      if (isToBeSaid) lastFailure = error.message;
    },
    reached,
  });
  const inspections = createInspections({
    journal,
    laneOf: lanes.ofActor,
    owns: (lane) => ownership.owns(lane),
    isRetired: (type, actorId) => queries.retired(type, actorId) !== undefined,
    onError: (error, type, actorId) => logger.error({ err: error, actorType: type.name, actorId }, "inspection failed"),
  });
  const instance = readInstanceId(config.NATSTATE_DATA);
  const cluster = found
    .slice(0, types.length)
    .map((stream) => `${stream.name}@${stream.created}`)
    .join();
  const questions = createQuestions();
  const quarantine = createQuarantineControl({ queries, journal, processor, laneOf: lanes.ofActor, onCommitted });
  const service = await startQueryService({
    nc,
    types,
    queries,
    questions,
    quarantine,
    inspections,
    whereabouts,
    pastOf,
    ownedPartitions,
    cluster,
    instance,
    version: VERSION,
    onError: (error) => logger.error({ err: error }, "a query over NATS failed"),
  });
  closers.push(() => service.stop());
  const ownership = createOwnership({
    lanes: lanes.all,
    ownId: service.id,
    prepare,
    open: (lane) =>
      readLane({
        jsm,
        js: readings.js,
        lane,
        manage: topology.manage,
        async prepare() {
          // What is asked while NATS is away is lost, and would be waited for when it is back.
          if (!isConnected()) throw new Error("not connected");
          await preparation.again(lane);
        },
        checkpoint: () => journal.checkpoint(lane),
        onDelivery: batcher.push,
        room: batcher.room,
        onMended: (differences) =>
          logger.warn(
            { stream: lane.stream, partition: lane.partition, differences },
            "the partition's consumer had been changed, it is as it was again",
          ),
        onChanged: () => records.goBack(lane),
        onDoubt(reason, detail) {
          batcher.drop(lane);
          metrics.recordDoubt(reason);
          logger.debug({ stream: lane.stream, partition: lane.partition, reason, detail }, "reading again");
          if (reason === "unpinned") void membership.refresh();
        },
      }),
    onMoved(how, moved) {
      // Those it starts with are said together with all else.
      if (isStarted)
        for (const [stream, partitions] of byStream(moved)) logger.info({ stream, partitions }, `partitions ${how}`);
    },
    onReleased(lane) {
      batcher.drop(lane);
      actors.evictLane(lane);
      publisher.drop(lane);
      due.drop(lane);
      inspections.closeLane(lane);
      lag.forget(lane);
    },
    onTrouble,
  });
  const lag = watchLag({
    // Behind what was delivered on the same connection, which has mostly arrived when the answer does.
    jsm: readings.jsm,
    everyMs: LAG_EVERY_MS,
    assigned: ownership.assigned,
    isCatchingUp: () => ownership.assigned().some((lane) => !ownership.isCaughtUp(lane)),
    onMeasured: onLag,
    onTrouble: (error) => logger.debug({ err: error }, "lag not measured"),
  });
  closers.push(lag.stop);
  const readiness = watchReadiness({
    ...{ types, session, isConnected, topology: topologyWatch, ownership, lag, publisher, activity, logger },
    streams: found.map(({ name }) => name),
    pause: batcher.pause,
  });
  closers.push(readiness.stop);
  beginAnew = () => {
    readiness.askAnew();
    ownership.doubtAll("connection");
  };
  const membership = createMembership(nc, QUERY_SERVICE, { id: service.id, instance }, cluster, (members) => {
    logger.info({ members: members.length }, "members changed");
    lastTrouble = undefined;
    void ownership.rebalance(members);
  });
  closers.push(() => membership.stop());
  await membership.refresh();
  await ownership.rebalance(membership.members());
  await lag.measure();
  metrics.gauges(() => ({
    lag: [...readiness.lag()].map(([lane, value]) => ({ type: lane.type, partition: lane.partition, value })),
    ready: readiness.health().ready,
    actors: types.map((type) => {
      const { quarantined, retired } = queries.stats(type, ownedPartitions(type));
      return { type, quarantined, retired, undecidedSinceMs: queries.undecidedSince(type, ownedPartitions(type)) };
    }),
    owned: readiness.reading().length,
    partitions: lanes.all.length,
    hot: actors.size(),
    backlog: publisher.backlog(),
    connected: isConnected(),
    pausedSinceMs: batcher.pause()?.sinceMs ?? null,
  }));

  const endScrub = startScrubbing();
  closers.push(endScrub);
  const endRetention = openRetention({
    ...{
      config,
      types,
      db,
      jsm,
      records,
      outboxStreams,
      journal,
      actors,
      processor,
      metrics,
      logger,
      onCommitted,
      reached,
    },
    assigned: () => ownership.assigned(),
    isIdle: () => batcher.queued() + publisher.backlog() === 0 && batcher.pause() === null && isConnected(),
    isFree: () => batcher.queued() === 0 && batcher.pause() === null,
    lagOf: (lane) => lag.byLane().get(lane),
    checkStream: preparation.checkStream,
  });
  closers.push(endRetention);
  await waiting.end();
  const http = await startHttp();
  if (http !== undefined) closers.push(() => http.close());

  let stopping: Promise<void> | undefined;
  isStarted = true;
  return {
    natsUrl,
    httpUrl: http?.url ?? null,
    storeFile,
    version: VERSION,
    instance,
    partitions: () => byStream(ownership.taken()),
    health: readiness.health,
    stop: () => (stopping ??= stop()),
  };

  function onCommitted(result: BatchResult, commitMs: number): void {
    lastFailure = undefined;
    publisher.offer(result.decisions, result.deadLetters);
    missing.applied(result);
    metrics.recordBatch(result, commitMs, Date.now());
    traces?.recordBatch(result, commitMs, Date.now());
    activity.record(result, Date.now());
    inspections.observe(result);
    logBatch(logger, result, config.NATSTATE_LOG_DECISIONS);
    logConflicts(result);
  }

  async function stop(): Promise<void> {
    lag.stop();
    endScrub();
    endRetention();
    membership.stop();
    await batcher.stop();
    await publisher.drain(DRAIN_MS);
    if (isConnected()) await Promise.race([lag.measure(), new Promise((resolve) => setTimeout(resolve, LAST_LAG_MS))]);
    await ownership.releaseAll();
    publisher.stop();
    await closeAll(closers);
  }

  function onSession(event: SessionEvent, why = ""): void {
    const nats = maskUrl(natsUrl);
    switch (event) {
      case "reconnected":
        logger.info({ nats }, "NATS is back");
        // What was asked while it was away is lost with the client's buffer: a lane that began anew would wait 5 s for it.
        beginAnew();
        break;
      case "disconnected":
        logger.warn({ nats }, "NATS is away, reconnecting");
        break;
      case "refused":
        logger.warn({ nats }, `NATS ${why}: tried again, with NATS_CREDS as they are then`);
        break;
      case "closed":
        onFatal(new Error(`the connection to NATS was closed for good: ${why}`));
        break;
      default:
        event satisfies never;
    }
  }

  function onReadings(event: SessionEvent, why?: string): void {
    if (event === "reconnected") beginAnew();
    else if (event === "closed") onSession(event, why);
    else logger.debug(`the reading connection is ${event}, reconnecting`);
  }

  function offerDue(lane: Lane): void {
    publisher.offer([], outbox.pendingDeadLetters(lane));
    due.begin(lane);
  }

  /** What is due again of lanes that are ours already; the others' is offered when they are taken. */
  function onLost(lost: readonly LostMessages[]): void {
    logLost(lost);
    for (const lane of ownership.taken()) {
      publisher.drop(lane);
      offerDue(lane);
    }
  }

  function onSurplus(stream: string, subjects: readonly string[]): void {
    logger.info({ stream, subjects }, "the stream has subjects of actor types that are not here, they are let be");
  }

  function logLost(lost: readonly LostMessages[]): void {
    for (const what of lost) {
      logger.warn(what, "a stream has lost messages of ours, restored from a copy? They are published again");
    }
  }

  async function prepare(missing: readonly Lane[]): Promise<void> {
    await preparation.take(missing);
    for (const lane of missing) offerDue(lane);
  }

  /** A daemon that cannot take over another one's partitions, because their past is gone, still has its own to read. */
  function onTrouble(error: Error, readsOthers = false): "retry" | "give_up" {
    const isRefusal = error instanceof StreamIdentityError;
    if (isRefusal && !readsOthers) {
      onFatal(error);
      return "give_up";
    }
    if (error.message !== lastTrouble) {
      logger[isRefusal ? "error" : "warn"]({ err: error }, "partitions cannot be read yet, trying again");
    }
    lastTrouble = error.message;
    return "retry";
  }

  async function onLag(lags: readonly LaneLag[]): Promise<void> {
    await examineTopology(lags);
    const taken = ownership.taken();
    const complete = new Map<Lane, number>();
    for (const { lane, completeTo, deliveredTo, delivered, consumer } of lags) {
      if (!taken.includes(lane)) continue;
      // What another consumer leaves out is no less missing for being delivered past.
      if (consumer.isChanged) continue;
      ownership.audit(lane, delivered);
      // What was delivered to, and acknowledged by, another owner or an earlier run is not in this store.
      const isOurs = deliveredTo <= records.completeTo(lane);
      const isEmpty = completeTo !== null && isOurs && batcher.queued() === 0;
      complete.set(lane, isEmpty ? completeTo : Math.min(journal.checkpoint(lane), deliveredTo));
    }
    try {
      // After the answers above: nothing was left to read of a lane because it was read, not because it is gone.
      await missing.check([...complete.keys()]);
    } catch (error) {
      if (!(error instanceof StreamIdentityError)) throw error;
      onTrouble(error);
      return;
    }
    records.saveCompleteTo(complete);
    missing.forget(taken);
  }

  /** Somebody may have edited streams and consumers while they are read. */
  async function examineTopology(lags: readonly LaneLag[]): Promise<void> {
    if (isConnected()) await topologyWatch.look();
    const reading = ownership.reading();
    for (const { lane, consumer } of lags) {
      if (!reading.includes(lane)) continue;
      if (consumer.isChanged) ownership.doubt(lane, "consumer_changed", consumer.problem ?? "");
      else if (topologyWatch.isRedirected(lane.stream)) ownership.doubt(lane, "failed", "the stream was edited");
    }
  }

  function isConnected(): boolean {
    return session.isConnected() && readings.isConnected();
  }

  function startScrubbing(): () => void {
    if (config.NATSTATE_SCRUB_INTERVAL === null) return () => {};
    return startScrub({
      log: session,
      storeFile,
      types,
      maxBytes: config.NATSTATE_MAX_EVENT_BYTES,
      intervalMs: config.NATSTATE_SCRUB_INTERVAL,
      laneOf(type, actorId) {
        const lane = lanes.ofActor(type, actorId);
        const isBusy = batcher.queued() > 0 || batcher.pause() !== null || !session.isConnected();
        return isBusy || !ownership.owns(lane) ? undefined : lane;
      },
      onChecked(type, actorId, differences) {
        metrics.recordScrub(type, differences.length > 0);
        if (differences.length === 0) return;
        // Names only: bodies and payloads stay out of logs.
        const what = differences.slice(0, 10).map((difference) => difference.what);
        logger.error({ actorType: type.name, actorId, what }, "drift: the store is not what the stream gives");
      },
      onTrouble: (error) => logger.debug({ err: error }, "not scrubbed"),
    });
  }

  function startHttp(): Promise<HttpServer> | undefined {
    if (config.NATSTATE_HTTP === null) return undefined;
    const deadLetters = openDeadLetters(session);
    return createHttpServer({
      ...config.NATSTATE_HTTP,
      token: config.NATSTATE_HTTP_TOKEN,
      furtherHosts: config.NATSTATE_HTTP_HOSTS,
      types,
      queries,
      questions,
      activity,
      inspections,
      quarantine,
      partitions: topology.partitions,
      where: placeOfCommands(natsUrl, config.NATSTATE_DATA, config.NATS_URL === undefined),
      // From the store: whoever may write DEAD_LETTERS need not be allowed to read it.
      redrive: ({ publishedSequence: sequence, subject, body, encoding, ...letter }) =>
        deadLetters.redrive({
          ...letter,
          sequence,
          subject: publishedSubject(subject),
          body: Buffer.from(body, encoding),
        }),
      metrics: metrics.render,
      health: { live: () => true, ready: readiness.health },
      whereabouts,
      pastOf,
      ownedPartitions,
      onError: (error, path) => logger.error({ err: error, path }, "a query over HTTP failed"),
    });
  }

  function whereabouts(type: ActorType, actorId: string): Whereabouts {
    const lane = lanes.ofActor(type, actorId);
    if (!ownership.owns(lane)) return "elsewhere";
    return isUpToDate(lane) ? "here" : "catching_up";
  }

  /** Is everything applied that the stream is known to hold, and does what comes arrive and get in? */
  function isUpToDate(lane: Lane): boolean {
    const isApplying = batcher.pause() === null && publisher.backlog() < MAX_BACKLOG;
    return isApplying && readiness.isAnswering() && ownership.isCaughtUp(lane);
  }

  function pastOf(type: ActorType, actorId?: string): Past | undefined {
    const asked = actorId === undefined ? ownership.assigned() : [lanes.ofActor(type, actorId)];
    const behind = asked.filter((lane) => lane.type === type && !isUpToDate(lane)).map((lane) => lane.partition);
    if (behind.length === 0) return undefined;
    const past = { catchingUp: true, asOf: queries.asOf(type, behind) } as const;
    return actorId === undefined ? { ...past, catchingUpPartitions: behind } : past;
  }

  function ownedPartitions(type: ActorType): number[] | undefined {
    const assigned = ownership.assigned();
    if (assigned.length === lanes.all.length) return undefined;
    return assigned.filter((lane) => lane.type === type).map((lane) => lane.partition);
  }
}
