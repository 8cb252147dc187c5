import { type Clock, SYSTEM_CLOCK } from "../flow/clock.ts";
import type { Lane } from "../wire/lanes.ts";

/** Which lanes are ours: said by the ownership, asked by everybody. */
export interface OwnLanes {
  /** In their usual order. */
  assigned(): readonly Lane[];
  owns(lane: Lane): boolean;
  /** Has it become ours only a moment ago? Where little of it is unread, all of it soon is read. */
  isNew(lane: Lane): boolean;
  /** Assigned lanes that could be made ready, whether or not their deliveries arrive at the moment. */
  taken(): readonly Lane[];
  /** Lanes that are not taken, of which the store is at most a little behind. */
  followed(): readonly Lane[];
  assign(lanes: readonly Lane[]): void;
  take(lanes: readonly Lane[]): void;
  follow(lanes: readonly Lane[]): void;
}

/** Who waits for as long as a lane is new has still time to be answered: an owner is looked for for 2 s. */
const NEW_MS = 1500;

/** None, until some are assigned. */
export function createOwnLanes(clock: Clock = SYSTEM_CLOCK): OwnLanes {
  let assigned: readonly Lane[] = [];
  /** Since when each is assigned. */
  let sinceMs: ReadonlyMap<Lane, number> = new Map();
  let taken: readonly Lane[] = [];
  let followed: readonly Lane[] = [];
  return {
    assigned: () => assigned,
    owns: (lane) => assigned.includes(lane),
    taken: () => taken,
    followed: () => followed,
    isNew: (lane) => clock.now() - (sinceMs.get(lane) ?? Number.NEGATIVE_INFINITY) < NEW_MS,
    assign(lanes) {
      assigned = lanes;
      sinceMs = new Map(lanes.map((lane) => [lane, sinceMs.get(lane) ?? clock.now()]));
    },
    take(lanes) {
      taken = lanes;
    },
    follow(lanes) {
      followed = lanes;
    },
  };
}
