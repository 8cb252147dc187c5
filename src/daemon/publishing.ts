import type { HotActors } from "../flow/hot-actors.ts";
import { createDueDecisions } from "../jetstream/due-decisions.ts";
import { createLearning } from "../jetstream/learn-published.ts";
import type { MissingMessages } from "../jetstream/missing-messages.ts";
import type { LostMessages } from "../jetstream/outbox-streams.ts";
import { createStreamPublisher } from "../jetstream/pub-acks.ts";
import { createPublisher } from "../jetstream/publisher.ts";
import type { Lane } from "../wire/lanes.ts";
import { DECISIONS_STREAM, decisionSubject } from "../wire/names.ts";
import type { Parts, Publishing } from "./parts.ts";
import { logLost } from "./streams.ts";

export type PublishingParts = Pick<
  Parts,
  "config" | "store" | "connection" | "streams" | "own" | "observers" | "trouble" | "logger" | "reached"
>;

/** What publishing has to do with the stations before it. */
export interface Neighbours {
  readonly actors: HotActors;
  readonly missing: MissingMessages;
  /** Something has got in: there may be room for more events. */
  readonly onProgress: () => void;
}

const DRAIN_MS = 5000;
/** Whoever takes a lane over publishes what is left. */
const SETTLE_MS = 300;
/** Decisions that may wait to be published before no more events are applied. */
const MAX_BACKLOG = 10_000;
const MAX_BACKLOG_BYTES = 67_108_864;

export function openPublishing(
  parts: PublishingParts,
  { actors, missing, onProgress }: Neighbours,
  stack: AsyncDisposableStack,
): Publishing {
  const { config, store, connection, streams, own, observers, trouble, logger, reached } = parts;
  const { observer } = observers;
  const { jsm, js, isConnected } = connection.session;
  const { outbox, records, outboxStreams } = store;
  const learning = createLearning({
    ...{ jsm, js, records, missing, outbox, outboxStreams, onLost },
    topology: streams.watch,
    partitions: streams.topology.partitions,
    assigned: () => [...new Set([...own.assigned(), ...own.taken()])],
    onRefused: trouble.meet,
    onForeign: (stream, { subject, sequence }) => observer.foreign(stream, subject, [sequence]),
  });
  const pubAcks = createStreamPublisher(connection.session);
  stack.defer(pubAcks.stop);
  const publisher = createPublisher({
    ...{ streams: pubAcks, jsm, outbox, owns: own.owns, isConnected, reached },
    laneOf: (row) => streams.lanes.of(row.type, row.partition),
    maxInFlight: config.NATSTATE_PUBLISH_IN_FLIGHT,
    beforeRetry: learning.all,
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
      onProgress();
    },
  });
  stack.defer(publisher.stop);
  const due = createDueDecisions(outbox, (decisions) => publisher.offer(decisions, []), publisher.backlog);

  /** What is due again of lanes that are ours already; the others' is offered when they are taken. */
  function onLost(lost: readonly LostMessages[]): void {
    logLost(logger, lost);
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
    ...publisher,
    ...{ learning, offerDue, leaderChanged: pubAcks.leaderChanged },
    hasRoom: () => publisher.backlog() < MAX_BACKLOG && publisher.backlogBytes() < MAX_BACKLOG_BYTES,
    forget(lane) {
      publisher.drop(lane);
      due.drop(lane);
    },
    settle: (lane) => publisher.drain(SETTLE_MS, lane),
    drain: () => publisher.drain(DRAIN_MS),
  };
}
