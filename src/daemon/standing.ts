import type { Standing } from "../answers/find-actor.ts";
import type { Lane } from "../wire/lanes.ts";
import type { Parts } from "./parts.ts";

export function createStanding(
  parts: Pick<Parts, "streams" | "own" | "reading" | "path" | "readiness" | "store">,
): Standing {
  const { streams, own, reading, path, readiness, store } = parts;
  const { lanes } = streams;
  const { ownership } = reading;
  /** Is everything applied that the stream is known to hold, and does what comes arrive and get in? */
  function isUpToDate(lane: Lane): boolean {
    return path.pause() === null && path.publishing.hasRoom() && readiness.isAnswering() && ownership.isCaughtUp(lane);
  }

  return {
    whereabouts(type, actorId) {
      const lane = lanes.ofActor(type, actorId);
      if (!own.owns(lane)) return "elsewhere";
      return isUpToDate(lane) ? "here" : "catching_up";
    },
    pastOf(type, actorId) {
      const asked = actorId === undefined ? own.assigned() : [lanes.ofActor(type, actorId)];
      const behind = asked.filter((lane) => lane.type === type && !isUpToDate(lane)).map((lane) => lane.partition);
      if (behind.length === 0) return undefined;
      const past = { catchingUp: true, asOf: store.queries.asOf(type, behind) } as const;
      return actorId === undefined ? { ...past, catchingUpPartitions: behind } : past;
    },
    isSettling: (type) => own.assigned().some((lane) => lane.type === type && own.isNew(lane) && !isUpToDate(lane)),
    ownedPartitions(type) {
      const assigned = own.assigned();
      if (assigned.length === lanes.all.length) return undefined;
      return assigned.filter((lane) => lane.type === type).map((lane) => lane.partition);
    },
  };
}
