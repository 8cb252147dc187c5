import type { ActorType } from "../actor/actor-type.ts";
import type { Lane } from "../wire/lanes.ts";
import { type Clock, inRounds } from "./clock.ts";
import type { HotActors } from "./hot-actors.ts";
import type { Journal } from "./journal.ts";
import { inTurns } from "./pieces.ts";
import { ReplayError, rebuildInPieces } from "./rebuild.ts";

/** An actor whose row another version of its type has written. */
export interface OutdatedActor {
  readonly key: number;
  readonly actorId: string;
  /** Until when that version lets it wait, normalised event time; null: for nothing. */
  readonly due: string | null;
}

/** The outdated actors of a type in a stretch of all actors. */
export interface Stretch {
  readonly outdated: readonly OutdatedActor[];
  /** Key of the last actor of the stretch, null at the end. */
  readonly last: number | null;
}

/** By which version of its type it is told until when an actor waits. */
export interface DueVersions {
  /** Null: by none yet. */
  find(type: ActorType): number | null;
  save(type: ActorType): void;
  /** So many actors after that key, oldest first. */
  stretch(type: ActorType, after: number, limit: number): Stretch;
  /** Nothing when its row has been written since by the present version. */
  saveDue(type: ActorType, key: number, due: string): void;
}

export interface DueRenewalOptions {
  readonly types: readonly ActorType[];
  readonly versions: DueVersions;
  readonly journal: Pick<Journal, "findActor" | "eventsOf">;
  readonly actors: Pick<HotActors, "evict">;
  readonly laneOf: (type: ActorType, actorId: string) => Lane;
  readonly clock: Clock;
  /** Told when it is done for a type, with how many wait for something else than before. */
  readonly onRenewed: (type: ActorType, changed: number) => void;
  /** It is tried again. */
  readonly onTrouble: (error: Error) => void;
}

/** Runs until it is stopped. */
export interface DueRenewal {
  /** Rows of other versions may have come into the store. */
  lookAgain(): void;
  /** Safe to call twice. */
  stop(): void;
}

const STRETCH = 200;
const FIRST_MS = 100;
const REST_MS = 20;
const AGAIN_MS = 5000;
/** Of a core: work that took a second is followed by a rest of four. */
const SHARE = 0.2;

/**
 * After a type's version was raised, or a lane copied whose rows another version has written, finds out until when its actors wait now: each is folded anew by the present machine, bit
 * by bit between the events. Else who waits by another delay than before would be told of it only by the next event. Its
 * state and what was decided stay until it hears something, as with any new version; when its time has come, that is a tick.
 *
 * Done once for each of these, as `DueVersions` notes; what a crash leaves undone is done by the next start.
 *
 * @param options.types - with delays.
 */
export function startDueRenewal(options: DueRenewalOptions): DueRenewal {
  const { types, versions, clock, onRenewed, onTrouble } = options;
  const findWaiting = () => types.find((type) => versions.find(type) !== type.version);
  let [after, changed] = [0, 0];
  let isEnded = false;
  let endRounds: (() => void) | undefined;
  lookAgain();
  return {
    lookAgain,
    stop() {
      isEnded = true;
      endRounds?.();
    },
  };

  function lookAgain(): void {
    if (isEnded || endRounds !== undefined || findWaiting() === undefined) return;
    endRounds = inRounds(clock, FIRST_MS, async () => {
      try {
        return await step();
      } catch (error) {
        // The store may be closed by now.
        if (!isEnded) onTrouble(error as Error);
        return AGAIN_MS;
      }
    });
  }

  /** @returns how long to rest. */
  async function step(): Promise<number> {
    const type = findWaiting();
    if (type === undefined) {
      endRounds?.();
      endRounds = undefined;
      return AGAIN_MS;
    }
    // What is copied meanwhile has keys above all there were: it is come to.
    const { outdated, last } = versions.stretch(type, after, STRETCH);
    let tookMs = 0;
    for (const actor of outdated) {
      if (isEnded) return AGAIN_MS;
      const isChanged = await renew(options, type, actor, (ms) => {
        tookMs += ms;
      });
      if (isChanged) changed++;
    }
    after = last ?? 0;
    if (last !== null) return Math.max(REST_MS, tookMs * (1 / SHARE - 1));
    versions.save(type);
    onRenewed(type, changed);
    changed = 0;
    return REST_MS;
  }
}

/** @returns whether it waits for something else. */
async function renew(
  { versions, journal, actors, laneOf }: DueRenewalOptions,
  type: ActorType,
  { key, actorId, due: before }: OutdatedActor,
  onTurn: (ms: number) => void,
): Promise<boolean> {
  const row = journal.findActor(type.name, actorId);
  if (row === undefined) return false;
  let due: string | null;
  try {
    // What is heard of it meanwhile writes its row, and is not overwritten.
    due = (await inTurns(rebuildInPieces(type, actorId, [...journal.eventsOf(row)]), onTurn)).due();
  } catch (error) {
    // The next event will quarantine it.
    if (error instanceof ReplayError) return false;
    throw error;
  }
  // Who waits for nothing now is told so by the tick it waited for.
  if (due === null || due === before) return false;
  // In memory it still knows what its row said.
  actors.evict(laneOf(type, actorId), actorId);
  versions.saveDue(type, key, due);
  return true;
}
