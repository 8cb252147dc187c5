import type { ActorType } from "../actor/actor-type.ts";
import type { Lane } from "../wire/lanes.ts";
import type { BatchResult } from "./batch-result.ts";
import type { DeadLetterRow, LedgerRow, RetiredRow } from "./rows.ts";

/**
 * Told what has happened on the path of events: metrics, log, traces, activity and inspectors each listen to what concerns
 * them. None throws and none waits; what they do with it changes nothing for the path.
 */
export interface Observer {
  /** @param commitMs - how long the batch took. @param nowMs - since the epoch. */
  committed?(result: BatchResult, commitMs: number, nowMs: number): void;
  /** Nothing of the batch happened; it is tried again. */
  commitFailed?(failure: CommitFailure): void;
  /** The streams have acknowledged them. @param nowMs - since the epoch. */
  published?(decisions: readonly LedgerRow[], deadLetters: readonly DeadLetterRow[], nowMs: number): void;
  /** The first failure since the last success. @param what - of which kind: `decision`, `dead_letter` or `published`. */
  publishFailed?(error: Error, what: string): void;
  /** A stored snapshot could not be used: the actor was derived anew from its events. */
  rebuilt?(type: ActorName, actorId: string): void;
  /** Another writer's decisions were taken over. */
  reconciled?(lane: Lane, actorId: string): void;
  /** Messages of somebody else on a stream of natstate's; they are passed over. */
  foreign?(stream: string, subject: string, sequences: readonly number[]): void;
  /** A lane starts over from its checkpoint. @param reason - one of a closed set: it becomes a label. */
  doubted?(reason: string, lane: Lane, detail: string | undefined): void;
  /** Somebody had changed the lane's consumer; it is what it was again. */
  mended?(lane: Lane, differences: readonly string[]): void;
  /** The stream has a tick for one of the type's actors. */
  ticked?(type: ActorName): void;
  /** Lanes are read from now on. */
  taken?(lanes: readonly Lane[]): void;
  /** Lanes are no longer ours. */
  released?(lanes: readonly Lane[]): void;
  retired?(type: ActorName, count: number, stepMs: number): void;
  /** @param isRestored - false: the streams no longer hold enough, its late events are dead letters. */
  restored?(type: ActorName, row: Pick<RetiredRow, "actorId" | "events" | "revision">, isRestored: boolean): void;
  /** An actor was derived anew from the stream. @param differences - what of its rows is not so, by name; mostly none. */
  scrubbed?(type: ActorName, actorId: string, differences: readonly string[]): void;
  /** An actor's events arrived once more in other orders. @param names - what it comes to that depends on it; mostly none. */
  proved?(type: ActorName, actorId: string, names: readonly string[]): void;
}

export type ActorName = Pick<ActorType, "name">;

/** A batch that could not be committed. */
export interface CommitFailure {
  readonly error: Error;
  /** Until it is tried again. */
  readonly retryMs: number;
  /** It is no news: over in a moment, perhaps, or the end, which is said apart. */
  readonly isBrief: boolean;
}

/** Every one, which the compiler holds against the interface. */
const TOLD: Readonly<Record<keyof Observer, true>> = {
  committed: true,
  commitFailed: true,
  published: true,
  publishFailed: true,
  rebuilt: true,
  reconciled: true,
  foreign: true,
  doubted: true,
  mended: true,
  ticked: true,
  taken: true,
  released: true,
  retired: true,
  restored: true,
  scrubbed: true,
  proved: true,
};

/** Tells everybody in the list, in their order; who joins it later is told from then on. */
export function tellAll(observers: readonly Observer[]): Required<Observer> {
  const tell =
    (name: keyof Observer) =>
    (...told: unknown[]) => {
      for (const observer of observers) (observer as Told)[name]?.(...told);
    };
  return Object.fromEntries(
    Object.keys(TOLD).map((name) => [name, tell(name as keyof Observer)]),
  ) as unknown as Required<Observer>;
}

type Told = Partial<Record<keyof Observer, (...told: unknown[]) => void>>;
