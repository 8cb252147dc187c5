import type { ActorEvent, ActorType, DecisionContent, SampleEvent } from "../actor/actor-type.ts";
import { measure } from "../actor/conclude.ts";
import { nextContent } from "../actor/decision.ts";
import { compareTimestamps } from "../actor/event-time.ts";
import { spawnActor } from "../flow/hosts/host.ts";
import type { LiveActor } from "../flow/hosts/live-actor.ts";
import { passedAfter, readFact } from "../flow/rebuild.ts";
import type { EventRow } from "../flow/rows.ts";
import { type Change, changesBetween } from "./field-changes.ts";

/** An actor at one moment. */
export interface Moment {
  readonly state: string;
  readonly completeness: number;
  readonly waitingFor: readonly string[];
  /** The facets, as queries show them. */
  readonly view: Readonly<Record<string, unknown>>;
  /** The decision that follows from them, or null. */
  readonly conclusion: DecisionContent | null;
}

/** An actor after one more event, and what the event changed. */
export interface ReplayedEvent extends Moment {
  readonly changes: readonly Change[];
}

/** What a possible next event would lead to. */
export interface Foreseen extends Omit<Moment, "view"> {
  readonly eventType: string;
  /** What is special about it, for example `failed`; empty when its type says all. */
  readonly label: string;
  readonly data: Readonly<Record<string, unknown>>;
  /** False: it would change nothing. */
  readonly applies: boolean;
  readonly changes: readonly Change[];
  /** The decision it would lead to (the withdrawing one, when none follows any more); null when it stays as it is. */
  readonly decision: DecisionContent | null;
}

export type ReplayedRow = Pick<EventRow, "type" | "eventId" | "timestamp" | "storedAtMs" | "body">;

/** Starts an actor as it was before its first event, to be led through its history, event by event. */
export function startReplay(type: ActorType, actorId: string) {
  const live = spawnActor(type, actorId);
  const past: ActorEvent[] = [];
  let latest = "1970-01-01T00:00:00.000Z";
  return {
    moment: () => look(type, live, past),
    /** Today's fold of what has been stepped through, by event time; undefined of a merge type. */
    fold: () => live.fold?.(() => past),
    /** @throws when an event that was once applied no longer can be: a bug in the machine's new version. */
    step(row: ReplayedRow): ReplayedEvent {
      const before = look(type, live, past);
      const fact = readFact(type, row);
      if (fact !== undefined) {
        const effect = live.send(fact, () => past);
        if (effect.kind === "error")
          throw new Error(`event ${row.eventId} cannot be replayed`, { cause: effect.error });
        past.push(fact);
        if (compareTimestamps(latest, fact.timestamp) < 0) latest = fact.timestamp;
      }
      const passed = passedAfter(type, row);
      if (passed !== undefined) live.pass(passed);
      const after = look(type, live, past);
      return { ...after, changes: changesBetween(before.view, after.view) };
    },
    /** Tries the type's samples, each as the latest event of all; the actor stays as it is. */
    foresee(): Foreseen[] {
      const before = look(type, live, past);
      const timestamp = new Date(Date.parse(latest) + 1000).toISOString();
      return (type.samples?.(live.snapshot()) ?? []).map((sample) => {
        const event = { type: sample.type, eventId: "possible-next-event", timestamp, data: sample.data };
        const effect = live.send(event, () => past);
        const isFailed = effect.kind === "error" || effect.kind === "held";
        const after = isFailed ? before : look(type, live, [...past, event]);
        // A machine that merges has undone what it failed on already.
        if (effect.kind !== "error") live.rewind();
        return foreseen(type, sample, { before, after, applies: effect.kind === "applied" });
      });
    },
  };
}

function look(type: ActorType, live: LiveActor, heard: readonly ActorEvent[]): Moment {
  const now = live.snapshot();
  return {
    state: live.state(),
    completeness: measure(type, now, () => new Set(heard.map((event) => event.type))),
    waitingFor: type.waitingFor(now),
    view: type.view(now),
    conclusion: type.conclude(now).content,
  };
}

function foreseen(
  type: ActorType,
  sample: SampleEvent,
  { before, after, applies }: { readonly before: Moment; readonly after: Moment; readonly applies: boolean },
): Foreseen {
  const { view, ...moment } = after;
  const decision = nextContent(type, before.conclusion, { content: after.conclusion, basedOn: [], decidedAt: null });
  return {
    eventType: sample.type,
    label: sample.label,
    data: sample.data,
    ...moment,
    applies,
    decision,
    changes: changesBetween(before.view, view),
  };
}
