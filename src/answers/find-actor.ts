import type { ActorType } from "../actor/actor-type.ts";
import type { RetiredAnswer } from "./queries.ts";

/**
 * Where an actor's partition is read: by this daemon; by another one, so that what is here of it is of the past; or by
 * this one, which has not yet read what the stream holds.
 */
export type Whereabouts = "here" | "elsewhere" | "catching_up";

/** Why it cannot be said that there is no such actor. */
export function notYet(type: ActorType, actorId: string): string {
  return `${type.name} ${JSON.stringify(actorId)} is not here yet: its partition is still being read, ask again`;
}

/** Why another daemon is to be asked. */
export function notOurs(type: ActorType, actorId: string): string {
  return `another daemon reads the partition of ${type.name} ${JSON.stringify(actorId)}: ask that one, or npx natstate get, which asks whoever it is`;
}

/**
 * Said with an answer, as fields of its own, that may be of the past: not everything stored of a partition it rests on is
 * known to be applied. An answer without them is of now.
 */
export interface Past {
  readonly catchingUp: true;
  /** Stream time of the latest event applied of these partitions (of the one furthest behind), null when not known. */
  readonly asOf: string | null;
  /** With answers about more than one actor. */
  readonly catchingUpPartitions?: readonly number[];
}

/** @returns what is to be said with answers about an actor, or about all of a type's that are ours; undefined is nothing. */
export type PastOf = (type: ActorType, actorId?: string) => Past | undefined;

/** What is said with an answer. */
export function readPast(answer: object): Past | undefined {
  const { catchingUp, asOf = null, catchingUpPartitions } = answer as Partial<Past>;
  if (catchingUp !== true) return undefined;
  return { catchingUp, asOf, ...(catchingUpPartitions && { catchingUpPartitions }) };
}

/** What is to be said with what several answers give together. */
export function joinPasts(answers: readonly object[]): Past | undefined {
  const pasts = answers.flatMap((answer) => readPast(answer) ?? []);
  if (pasts.length === 0) return undefined;
  const times = pasts.map(({ asOf }) => asOf);
  const partitions = new Set(pasts.flatMap(({ catchingUpPartitions = [] }) => catchingUpPartitions));
  return {
    catchingUp: true,
    asOf: times.includes(null) ? null : (times.sort()[0] ?? null),
    catchingUpPartitions: [...partitions].sort((a, b) => a - b),
  };
}

/** A retired actor for a person, on one line. */
export function describeRetired(type: ActorType, actorId: string, answer: RetiredAnswer): string {
  const { status, retiredAt, lastUpdated, version, revision, parked } = answer;
  const known = `${type.name} ${actorId} is retired since ${retiredAt}: ${version} events, the last one of ${lastUpdated}, revision ${revision}`;
  switch (status) {
    case "kept":
      return `${known}. The next event about it brings it back, as long as the streams hold all of it`;
    case "wanted":
      return `${known}. It is being brought back for ${parked} late events`;
    case "lost":
      return `${known}. The streams no longer hold all of it: further events about it are dead-lettered as actor_retired`;
    default:
      return status satisfies never;
  }
}
