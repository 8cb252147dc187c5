import type { Lane } from "../wire/lanes.ts";

/** Which lanes are ours: said by the ownership, asked by everybody. */
export interface OwnLanes {
  /** In their usual order. */
  assigned(): readonly Lane[];
  owns(lane: Lane): boolean;
  /** Assigned lanes that could be made ready, whether or not their deliveries arrive at the moment. */
  taken(): readonly Lane[];
  assign(lanes: readonly Lane[]): void;
  take(lanes: readonly Lane[]): void;
}

/** None, until some are assigned. */
export function createOwnLanes(): OwnLanes {
  let assigned: readonly Lane[] = [];
  let taken: readonly Lane[] = [];
  return {
    assigned: () => assigned,
    owns: (lane) => assigned.includes(lane),
    taken: () => taken,
    assign(lanes) {
      assigned = lanes;
    },
    take(lanes) {
      taken = lanes;
    },
  };
}
