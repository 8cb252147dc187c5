import type { ActorType } from "../actor/actor-type.ts";
import { type Handled, isNewFact } from "../flow/batch-result.ts";
import type { Observer } from "../flow/observer.ts";
import type { Lane } from "../wire/lanes.ts";
import { type InspectedActor, type InspectionJournal, startFromPast } from "./inspected-actor.ts";

/** Why an inspection did not begin, or ended by itself. */
export const INSPECTION_ENDS = {
  elsewhere: "another daemon has its partition",
  retired: "it is retired, there is nothing to show until an event brings it back",
  full: "too many inspectors are open, close one",
  slow: "the inspector does not keep up",
  too_large: "what happened is more than one NATS message carries here; open it in the console",
  failed: "the inspection failed inside natstate; its log says why",
} as const;

export type InspectionEnd = keyof typeof INSPECTION_ENDS;

export interface InspectionRequest {
  /** Put type names in place of the values in events and context. */
  readonly redact: boolean;
  /**
   * Told the actor's past at once and each of its moves from then on.
   *
   * @param message - JSON of one `InspectionMessage`.
   * @returns why it takes no more; the inspection ends with that.
   */
  readonly tell: (message: string) => InspectionEnd | undefined;
  /** Told once, when nothing more will come; not after `close`. Must not throw. */
  readonly onEnd: (end: InspectionEnd) => void;
}

export interface Inspection {
  close(): void;
}

/** Who watches which actor. Told of a batch it does nothing without an inspector; lanes that go end theirs. */
export interface Inspections extends Pick<Required<Observer>, "committed" | "released"> {
  /**
   * An actor nobody has heard of yet is told in its initial state.
   *
   * @returns why not, when it cannot be inspected here; `onEnd` is not called then.
   */
  open(type: ActorType, actorId: string, request: InspectionRequest): Inspection | InspectionEnd;
  /** Inspectors now. */
  count(): number;
}

export interface InspectionsOptions {
  readonly journal: InspectionJournal;
  readonly laneOf: (type: ActorType, actorId: string) => Lane;
  /** Does this daemon apply the lane's events? */
  readonly owns: (lane: Lane) => boolean;
  /** Its next event does not begin it anew. Absent: nobody is. */
  readonly isRetired?: (type: ActorType, actorId: string) => boolean;
  /** Told of what ended an inspection as `failed`. */
  readonly onError: (error: Error, type: ActorType, actorId: string) => void;
  readonly maxInspectors?: number;
}

interface Watcher {
  readonly lane: Lane;
  readonly actorId: string;
  readonly actor: InspectedActor;
  readonly request: InspectionRequest;
  /** Set by a `tell` that takes no more. */
  readonly stopped: () => InspectionEnd | undefined;
}

/**
 * Leads a second actor through the committed events of each actor that is watched. The actor in use has no hook, so an
 * inspector can neither slow it down nor make it fail.
 */
export function createInspections(options: InspectionsOptions): Inspections {
  const { journal, laneOf, owns, isRetired, onError, maxInspectors = 16 } = options;
  const watched = new Map<string, Set<Watcher>>();
  let count = 0;

  function remove(watcher: Watcher): boolean {
    const name = nameOf(watcher.lane.type, watcher.actorId);
    const watchers = watched.get(name);
    if (watchers?.delete(watcher) !== true) return false;
    if (watchers.size === 0) watched.delete(name);
    count--;
    return true;
  }

  function end(watcher: Watcher, reason: InspectionEnd): void {
    if (remove(watcher)) watcher.request.onEnd(reason);
  }

  function show(watcher: Watcher, { delivery, observation }: Handled): void {
    if (observation === undefined) return;
    const { type, eventId, timestamp, data } = observation;
    let reason: InspectionEnd | undefined;
    try {
      watcher.actor.send({ type, eventId, timestamp, data }, delivery.storedAtMs);
      reason = watcher.stopped();
    } catch (error) {
      onError(error as Error, watcher.lane.type, watcher.actorId);
      reason = "failed";
    }
    if (reason !== undefined) end(watcher, reason);
  }

  return {
    open(type, actorId, request) {
      const lane = laneOf(type, actorId);
      if (!owns(lane)) return "elsewhere";
      if (isRetired?.(type, actorId)) return "retired";
      if (count >= maxInspectors) return "full";
      let stopped: InspectionEnd | undefined;
      const tell = (message: string) => {
        stopped ??= request.tell(message);
      };
      try {
        const actor = startFromPast(journal, type, actorId, { redact: request.redact, tell });
        if (stopped !== undefined) return stopped;
        const watcher: Watcher = { lane, actorId, actor, request, stopped: () => stopped };
        const name = nameOf(type, actorId);
        watched.set(name, (watched.get(name) ?? new Set()).add(watcher));
        count++;
        return { close: () => void remove(watcher) };
      } catch (error) {
        onError(error as Error, type, actorId);
        return "failed";
      }
    },
    committed({ handled }) {
      if (count === 0) return;
      for (const item of handled) {
        // A duplicate, parked or rejected event has not moved the actor.
        if (!isNewFact(item.outcome) && item.outcome !== "tick") continue;
        const name = nameOf(item.delivery.lane.type, item.observation?.actorId ?? "");
        for (const watcher of watched.get(name) ?? []) show(watcher, item);
      }
    },
    released(lanes) {
      const all = [...watched.values()].flatMap((watchers) => [...watchers]);
      for (const watcher of all) if (lanes.includes(watcher.lane)) end(watcher, "elsewhere");
    },
    count: () => count,
  };
}

function nameOf(type: ActorType, actorId: string): string {
  return `${type.name}/${actorId}`;
}
