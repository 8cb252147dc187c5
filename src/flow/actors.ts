import { crc32 } from "node:zlib";
import { type Actor, type AnyStateMachine, createActor, type Snapshot } from "xstate";
import type { ActorEvent, ActorType } from "../../machines/actor-type.ts";

/** What an event did to an actor. `error` leaves the actor as it was before. */
export type Effect =
  | { readonly kind: "applied" }
  | { readonly kind: "superseded" }
  | { readonly kind: "error"; readonly error: Error };

/** A snapshot as it is stored. */
export interface Envelope {
  /** XState's persisted snapshot, JSON. */
  readonly snapshot: string;
  /** CRC-32 of `snapshot`: SQLite's own checks miss most flipped bits in a row. */
  readonly checksum: number;
  readonly machineVersion: number;
}

/** One XState actor, alive in memory. */
export interface LiveActor {
  /** Lets the event act; synchronous and without side effects. */
  send(event: ActorEvent): Effect;
  /** Undoes the last `send`. */
  rewind(): void;
  /** Never undefined: what the machine knows. */
  context(): unknown;
  /** The state's name; parallel or nested states as JSON. */
  state(): string;
  persist(): Envelope;
}

/** Starts a new actor in its machine's initial state. */
export function spawnActor(type: ActorType): LiveActor {
  return live(type, undefined);
}

/**
 * Restores an actor from its stored snapshot.
 *
 * @returns undefined when the snapshot is damaged, from another machine version or not one XState accepts: the caller
 *   then rebuilds the actor from its events. A bad snapshot never becomes a fresh actor.
 */
export function restoreActor(type: ActorType, envelope: Envelope): LiveActor | undefined {
  if (envelope.machineVersion !== type.version || crc32(envelope.snapshot) !== envelope.checksum) return undefined;
  let snapshot: unknown;
  try {
    snapshot = JSON.parse(envelope.snapshot);
  } catch {
    return undefined;
  }
  if (typeof snapshot !== "object" || snapshot === null) return undefined;
  try {
    const actor = live(type, snapshot as Snapshot<unknown>);
    return actor.state() === "" ? undefined : actor;
  } catch {
    return undefined;
  }
}

function live(type: ActorType, snapshot: Snapshot<unknown> | undefined): LiveActor {
  let actor = start(type.machine, snapshot);
  let before = actor.getSnapshot();
  const rewind = () => {
    actor = start(type.machine, type.machine.getPersistedSnapshot(before));
  };
  return {
    rewind,
    send(event) {
      before = actor.getSnapshot();
      actor.send(event);
      const after = actor.getSnapshot();
      if (after.status === "error") {
        rewind();
        return { kind: "error", error: asError(after.error) };
      }
      return { kind: sameFields(before.context, after.context) ? "superseded" : "applied" };
    },
    context: () => actor.getSnapshot().context,
    state: () => stateName(actor.getSnapshot()),
    persist() {
      const json = JSON.stringify(persistable(actor));
      return { snapshot: json, checksum: crc32(json), machineVersion: type.version };
    },
  };
}

function start(machine: AnyStateMachine, snapshot: Snapshot<unknown> | undefined): Actor<AnyStateMachine> {
  const actor = createActor(machine, snapshot === undefined ? {} : { snapshot });
  // Without an observer XState reports a failed actor as an uncaught exception; send() looks at the status instead.
  actor.subscribe({ error: () => {} });
  actor.start();
  if (actor.getSnapshot().status === "error") {
    throw new Error(`machine ${machine.id} does not start from this snapshot`, {
      cause: actor.getSnapshot().error,
    });
  }
  return actor;
}

/**
 * What XState's `getPersistedSnapshot` gives for a machine without children and history states, three times faster:
 * that one copies the context deeply to look for actors in it. A test holds the two equal.
 */
function persistable(actor: Actor<AnyStateMachine>): object {
  const { status, value, historyValue, context, children } = actor.getSnapshot();
  const isPlain = Object.keys(historyValue).length === 0 && Object.keys(children).length === 0;
  return isPlain ? { status, value, historyValue, context, children } : actor.getPersistedSnapshot();
}

/** Merging an event that loses replaces nothing: every field is still the same object. */
function sameFields(before: object, after: object): boolean {
  if (before === after) return true;
  const names = Object.keys(after) as (keyof typeof after)[];
  return names.length === Object.keys(before).length && names.every((name) => before[name] === after[name]);
}

function stateName(snapshot: { readonly value?: unknown }): string {
  const { value } = snapshot;
  return typeof value === "string" ? value : JSON.stringify(value ?? "");
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}
