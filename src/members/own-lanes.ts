import { type Clock, SYSTEM_CLOCK } from "../flow/clock.ts";
import type { Lane } from "../wire/lanes.ts";

/** Which lanes are ours: said by the ownership, asked by everybody. */
export type OwnLanes = ReturnType<typeof createOwnLanes>;

/** Who waits for as long as a lane is new has still time to be answered: an owner is looked for for 2 s. */
const NEW_MS = 1500;

/** None, until some are assigned. */
export function createOwnLanes(clock: Clock = SYSTEM_CLOCK) {
  let assigned: readonly Lane[] = [];
  /** Since when each is assigned. */
  let sinceMs: ReadonlyMap<Lane, number> = new Map();
  let taken: readonly Lane[] = [];
  let followed: readonly Lane[] = [];
  return {
    /** In their usual order. */
    assigned: () => assigned,
    owns: (lane: Lane) => assigned.includes(lane),
    /** Assigned lanes that could be made ready, whether or not their deliveries arrive at the moment. */
    taken: () => taken,
    /** Lanes that are not taken, of which the store is at most a little behind. */
    followed: () => followed,
    /** Has it become ours only a moment ago? Where little of it is unread, all of it soon is read. */
    isNew: (lane: Lane) => clock.now() - (sinceMs.get(lane) ?? Number.NEGATIVE_INFINITY) < NEW_MS,
    assign(lanes: readonly Lane[]): void {
      assigned = lanes;
      sinceMs = new Map(lanes.map((lane) => [lane, sinceMs.get(lane) ?? clock.now()]));
    },
    take(lanes: readonly Lane[]): void {
      taken = lanes;
    },
    follow(lanes: readonly Lane[]): void {
      followed = lanes;
    },
  };
}
