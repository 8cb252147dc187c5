import type { Lane } from "../wire/lanes.ts";
import type { Assigned } from "./assignment.ts";
import { holdsLane, type Member } from "./member.ts";

/**
 * What is to be done about a lane: `hold`, read it as its owner, from now on if need be; `keep`, go on reading it until its
 * new owner asks for it; `follow`, read along beside its owner; `leave`. Or read along and, once that has caught up, ask
 * somebody for it.
 */
export type Part = "hold" | "keep" | "follow" | "leave" | { readonly askOf: string };

export interface LaneState {
  readonly assigned: Assigned | undefined;
  readonly members: readonly Member[];
  readonly ownId: string;
  readonly isHeld: boolean;
  /** Who held it has given it to us, whatever its record still says. */
  readonly isGranted: boolean;
}

/**
 * A lane that a live member holds is not taken from it: its new owner reads along and asks for it, so that nothing stands
 * still meanwhile. Where two hold it, the one it is not assigned to gives way.
 */
export function planLane(lane: Lane, { assigned, members, ownId, isHeld, isGranted }: LaneState): Part {
  const holders = members.filter((member) => member.id !== ownId && holdsLane(member, lane)).map(({ id }) => id);
  if (assigned?.owner === ownId) {
    const [holder] = holders;
    return isHeld || isGranted || holder === undefined ? "hold" : { askOf: holder };
  }
  const isOwnerReading = assigned !== undefined && holders.includes(assigned.owner);
  if (isHeld && !isOwnerReading) return "keep";
  return assigned?.standbys.includes(ownId) ? "follow" : "leave";
}
