import type { BatchResult } from "../flow/batch-result.ts";
import { createHotActors } from "../flow/hot-actors.ts";
import { createMissingMessages } from "../jetstream/missing-messages.ts";
import type { Lane } from "../wire/lanes.ts";
import type { Parts, Path } from "./parts.ts";
import { openPublishing, type PublishingParts } from "./publishing.ts";
import { openStations } from "./stations.ts";

/** Joins its stations; nothing comes before lanes are read. */
export function openPath(parts: PublishingParts & Pick<Parts, "onFatal">, stack: AsyncDisposableStack): Path {
  const { config, store, connection, observers } = parts;
  const { observer } = observers;
  const { journal, records } = store;
  const { NATSTATE_HOT_ACTORS: maxActors, NATSTATE_HOT_BYTES: maxHotBytes } = config;
  const actors = createHotActors(journal, maxActors, observer.rebuilt, maxHotBytes);
  const { jsm } = connection.session;
  const queued = (stream: string) => [own, followed].flatMap(({ queue }) => queue.sequencesOf(stream));
  const missing = createMissingMessages(jsm, records, queued);
  const publishing = openPublishing(parts, { actors, missing, onProgress: () => own.batcher.resume() }, stack);
  const own = openStations(parts, { actors, hasRoom: publishing.hasRoom, onCommitted: committed }, stack);
  // What is followed is its owner's to publish and to tell: nothing else hears of it.
  const followed = openStations(parts, { actors, hasRoom: () => true, onCommitted: followedCommitted }, stack);
  /** Of these something may arrive there. */
  const along = new Set<Lane>();

  function committed(result: BatchResult, commitMs: number): void {
    publishing.offer(result.decisions, result.deadLetters);
    missing.applied(result);
    observer.committed(result, commitMs, Date.now());
    own.batcher.resume();
  }

  function followedCommitted(result: BatchResult): void {
    missing.applied(result);
    followed.batcher.resume();
  }

  return {
    ...{ actors, missing, publishing, committed },
    processor: own.processor,
    room: own.queue.room,
    arrive: own.batcher.push,
    queued: own.queue.size,
    pause: own.batcher.pause,
    isFree: () => own.queue.size() === 0 && own.batcher.pause() === null,
    dropQueued: own.queue.drop,
    resume: own.resume,
    forget(lane) {
      own.forget(lane);
      // A copy takes the place of what it has heard; what is queued is heard on top of that, or known already.
      followed.processor.backlog.forget(lane);
      actors.evictLane(lane);
      publishing.forget(lane);
    },
    followed: {
      processor: followed.processor,
      committed: followedCommitted,
      arrive: followed.batcher.push,
      room: followed.queue.room,
      dropQueued: followed.queue.drop,
      isRead: (lane) => along.has(lane),
      resume(lane) {
        along.add(lane);
        followed.resume(lane);
      },
      forget(lane) {
        along.delete(lane);
        followed.forget(lane);
      },
    },
    async drain() {
      await followed.batcher.stop();
      await own.batcher.stop();
      await publishing.drain();
    },
  };
}
