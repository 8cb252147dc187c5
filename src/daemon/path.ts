import type { Logger } from "pino";
import type { Config } from "../config/config.ts";
import type { BatchResult } from "../flow/batch-result.ts";
import { createBatcher, type Pause, type Room } from "../flow/batcher.ts";
import type { ReachCrashPoint } from "../flow/crash-points.ts";
import type { Delivery } from "../flow/delivery.ts";
import { createHotActors, type HotActors } from "../flow/hot-actors.ts";
import type { Observer } from "../flow/observer.ts";
import { createProcessor, type Processor } from "../flow/processor.ts";
import { createDueDecisions } from "../jetstream/due-decisions.ts";
import { createMissingMessages, type MissingMessages } from "../jetstream/missing-messages.ts";
import type { LostMessages } from "../jetstream/outbox-streams.ts";
import type { OwnLanes } from "../jetstream/own-lanes.ts";
import { createPreparation, type Preparation } from "../jetstream/preparation.ts";
import { createStreamPublisher } from "../jetstream/pub-acks.ts";
import { createPublisher, type Publisher } from "../jetstream/publisher.ts";
import type { StreamIdentityError } from "../jetstream/stream-identity.ts";
import { asDamage, StoreHeldError } from "../store/store-error.ts";
import type { Lane } from "../wire/lanes.ts";
import { DECISIONS_STREAM, decisionSubject } from "../wire/names.ts";
import type { Connection } from "./connection.ts";
import type { Store } from "./open-store.ts";
import { logLost, type Streams } from "./streams.ts";

/** The path of events in this process: from a delivery to what is published. Read `flow/processor.ts` for its middle. */
export interface Path {
  readonly actors: HotActors;
  readonly processor: Processor;
  readonly missing: MissingMessages;
  readonly learning: Preparation;
  readonly publisher: Pick<Publisher, "backlog" | "trouble" | "drop">;
  readonly room: Room;
  arrive(delivery: Delivery): void;
  /** As after any other batch. @param commitMs - the time it took. */
  committed(result: BatchResult, commitMs: number): void;
  /** Forgets what is queued of a lane: it will be delivered anew. */
  dropQueued(lane: Lane): void;
  /** Forgets all that is in memory of a lane that is no longer ours. */
  forget(lane: Lane): void;
  /** Publishes what is due of a lane. */
  offerDue(lane: Lane): void;
  queued(): number;
  pause(): Pause | null;
  /** False: so much waits to be published that nothing more is applied. */
  hasRoom(): boolean;
  /** Applies what has arrived and publishes what is due, then takes nothing more. */
  drain(): Promise<void>;
}

export interface PathOptions {
  readonly config: Config;
  readonly store: Store;
  readonly connection: Connection;
  readonly streams: Streams;
  readonly own: OwnLanes;
  readonly observer: Required<Observer>;
  readonly logger: Logger;
  /** The streams are not those that the store has read. */
  readonly onRefused: (error: StreamIdentityError) => void;
  /** The store is damaged. */
  readonly onFatal: (error: Error) => void;
  readonly reached: ReachCrashPoint;
}

const DRAIN_MS = 5000;
const PUBLISH_TIMEOUT_MS = 5000;
/** What holds the store for a moment may be a checkpoint of our own. */
const HELD_MS = 50;
/** Decisions that may wait to be published before no more events are applied. */
const MAX_BACKLOG = 10_000;
const MAX_BACKLOG_BYTES = 67_108_864;

/** Joins its stations; no event comes before lanes are read. */
export function openPath(options: PathOptions, stack: AsyncDisposableStack): Path {
  const { config, store, connection, streams, own, observer, reached } = options;
  const { jsm, js } = connection.session;
  const { journal, outbox, records, outboxStreams } = store;
  const actors = createHotActors(
    journal,
    config.NATSTATE_HOT_ACTORS,
    (type, actorId) => observer.rebuilt(type, actorId),
    config.NATSTATE_HOT_BYTES,
  );
  const processor = createProcessor(journal, actors, { maxBytes: config.NATSTATE_MAX_EVENT_BYTES }, reached);
  const missing = createMissingMessages({ jsm, records, queued: (stream) => batcher.queuedOf(stream) });
  const learning = createPreparation({
    ...{ jsm, js, records, missing, outbox, outboxStreams },
    topology: streams.watch,
    partitions: streams.topology.partitions,
    assigned: own.assigned,
    onRefused: options.onRefused,
    onLost,
    onForeign: (stream, { subject, sequence }) => observer.foreign(stream, subject, [sequence]),
  });
  const pubAcks = createStreamPublisher(connection.session, PUBLISH_TIMEOUT_MS);
  stack.defer(pubAcks.stop);
  const publisher = createPublisher({
    ...{ streams: pubAcks, jsm, outbox, owns: own.owns, isConnected: connection.session.isConnected, reached },
    laneOf: (row) => streams.lanes.of(row.type, row.partition),
    maxInFlight: config.NATSTATE_PUBLISH_IN_FLIGHT,
    beforeRetry: learning.catchUp,
    onPublished: (decisions, deadLetters) => observer.published(decisions, deadLetters, Date.now()),
    onReconciled(lane, actorId) {
      actors.evict(lane, actorId);
      observer.reconciled(lane, actorId);
    },
    onForeign: ({ type }, actorId, sequences) =>
      observer.foreign(DECISIONS_STREAM, decisionSubject(type, actorId), sequences),
    onTrouble: observer.publishFailed,
    onProgress() {
      due.goOn();
      batcher.resume();
    },
  });
  stack.defer(publisher.stop);
  const due = createDueDecisions({
    pending: outbox.pendingDecisions,
    offer: (decisions) => publisher.offer(decisions, []),
    backlog: publisher.backlog,
  });
  const hasRoom = () => publisher.backlog() < MAX_BACKLOG && publisher.backlogBytes() < MAX_BACKLOG_BYTES;
  const batcher = createBatcher({
    ...{ processor, hasRoom, reached },
    limits: { maxDeliveries: config.NATSTATE_BATCH_EVENTS, maxBytes: config.NATSTATE_BATCH_BYTES },
    onCommitted: committed,
    onFailed,
  });
  stack.defer(batcher.stop);

  function committed(result: BatchResult, commitMs: number): void {
    publisher.offer(result.decisions, result.deadLetters);
    missing.applied(result);
    observer.committed(result, commitMs, Date.now());
  }

  function onFailed(error: Error, retryMs: number): void {
    const damage = asDamage(error, store.file);
    if (damage !== undefined) return options.onFatal(damage);
    const lastsMs = Date.now() - (batcher.pause()?.sinceMs ?? 0);
    observer.commitFailed({ error, retryMs, isBrief: error instanceof StoreHeldError && lastsMs < HELD_MS });
  }

  /** What is due again of lanes that are ours already; the others' is offered when they are taken. */
  function onLost(lost: readonly LostMessages[]): void {
    logLost(options.logger, lost);
    for (const lane of own.taken()) {
      publisher.drop(lane);
      offerDue(lane);
    }
  }

  function offerDue(lane: Lane): void {
    publisher.offer([], outbox.pendingDeadLetters(lane));
    due.begin(lane);
  }

  return {
    ...{ actors, processor, missing, learning, publisher, hasRoom, committed },
    room: batcher.room,
    arrive: batcher.push,
    queued: batcher.queued,
    pause: batcher.pause,
    dropQueued: batcher.drop,
    forget(lane) {
      batcher.drop(lane);
      actors.evictLane(lane);
      publisher.drop(lane);
      due.drop(lane);
    },
    offerDue,
    async drain() {
      await batcher.stop();
      await publisher.drain(DRAIN_MS);
    },
  };
}
