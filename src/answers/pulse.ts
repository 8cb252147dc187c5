import type { ActorType } from "../actor/actor-type.ts";
import { type ActivityReading, joinActivity } from "./activity.ts";
import { joinPasts } from "./find-actor.ts";
import { joinStats } from "./joined-answers.ts";
import { soonestOf } from "./present-rows.ts";
import type { Stats } from "./queries.ts";

/** What every open page of the console is told each second of a type. */
export interface Pulse {
  readonly stats: Stats;
  readonly activity: ActivityReading;
  /** As `Queries.nextDue`. */
  readonly next: Readonly<Record<string, string>>;
  /** Partitions nobody answers for: what is told is without them. */
  readonly missing?: readonly number[];
}

/** @param missing - undefined: it is not even known how many partitions there are. */
export function joinPulses(type: ActorType, pulses: readonly Pulse[], missing: readonly number[] = []): Pulse {
  return {
    // A daemon says of a pulse as a whole that it is of the past.
    stats: { ...joinStats(pulses.map(({ stats }) => stats)), ...joinPasts(pulses) },
    activity: joinActivity(
      type,
      pulses.map(({ activity }) => activity),
    ),
    next: soonestOf(pulses.flatMap(({ next }) => Object.entries(next))),
    ...(missing.length > 0 && { missing }),
  };
}
