import type { ActorType } from "../actor/actor-type.ts";
import { eventStream, partitionOf } from "./names.ts";

/** One partition of one actor type: the unit of order, of ownership and of checkpoints. */
export interface Lane {
  readonly type: ActorType;
  /** The type's stream, for example `ORDERS`. */
  readonly stream: string;
  /** 0-based. */
  readonly partition: number;
  /** Are the actor's events stored in this one? Absent: nobody asks. */
  readonly holds?: (actorId: string) => boolean;
}

export function lanesOf(type: ActorType, partitions: number): Lane[] {
  return Array.from({ length: partitions }, (_, partition) => ({
    type,
    stream: eventStream(type),
    partition,
    holds: (actorId) => partitionOf(actorId, partitions) === partition,
  }));
}

/** One object per lane, by which everything else knows it. */
export function createLanes(types: readonly ActorType[], partitions: number) {
  const byType = new Map(types.map((type) => [type.name, lanesOf(type, partitions)]));
  /** @throws RangeError when there is no such type or partition. */
  const of = (type: string, partition: number): Lane => {
    const lane = byType.get(type)?.[partition];
    if (lane === undefined) throw new RangeError(`no partition ${partition} of ${type}`);
    return lane;
  };
  return {
    all: [...byType.values()].flat() as readonly Lane[],
    of,
    ofActor: (type: ActorType, actorId: string) => of(type.name, partitionOf(actorId, partitions)),
  };
}
