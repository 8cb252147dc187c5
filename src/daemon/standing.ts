import type { ActorType } from "../actor/actor-type.ts";
import type { Answers } from "../answers/answers.ts";
import type { Past, Whereabouts } from "../answers/find-actor.ts";
import type { OwnLanes } from "../jetstream/own-lanes.ts";
import type { Ownership } from "../jetstream/ownership.ts";
import type { Lane, Lanes } from "../wire/lanes.ts";
import type { Path } from "./path.ts";
import type { Readiness } from "./readiness.ts";

/** What an answer of this daemon is worth: which actors it is about, and whether it is of now. */
export interface Standing {
  whereabouts(type: ActorType, actorId: string): Whereabouts;
  /** What is to be said with an answer about an actor, or about all of a type's that are ours, when it may be of the past. */
  pastOf(type: ActorType, actorId?: string): Past | undefined;
  /** Our partitions of a type, undefined for all. */
  ownedPartitions(type: ActorType): number[] | undefined;
}

export interface StandingOptions {
  readonly lanes: Lanes;
  readonly own: OwnLanes;
  readonly ownership: Ownership;
  readonly path: Path;
  readonly readiness: Readiness;
  readonly queries: Answers;
}

export function createStanding({ lanes, own, ownership, path, readiness, queries }: StandingOptions): Standing {
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
      const past = { catchingUp: true, asOf: queries.asOf(type, behind) } as const;
      return actorId === undefined ? { ...past, catchingUpPartitions: behind } : past;
    },
    ownedPartitions(type) {
      const assigned = own.assigned();
      if (assigned.length === lanes.all.length) return undefined;
      return assigned.filter((lane) => lane.type === type).map((lane) => lane.partition);
    },
  };
}
