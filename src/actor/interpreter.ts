import { isDeepStrictEqual } from "node:util";
import { crc32 } from "node:zlib";
import {
  type Actor,
  type ActorOptions,
  type AnyStateMachine,
  createActor,
  type Snapshot,
  type SnapshotFrom,
} from "xstate";
import { showToRules } from "./actor-snapshot.ts";
import type { ActorEvent, ActorSnapshot, ActorType } from "./actor-type.ts";
import { asError } from "./as-error.ts";
import { seal } from "./seal.ts";
import { stateText } from "./state-text.ts";

/**
 * What an event did to an actor. `superseded` left it as it is: its state, its history states, its context. `error`
 * leaves the actor as it was before.
 */
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
  /** What it is now, as its rules see it. */
  snapshot(): ActorSnapshot;
  /** As {@link stateText} writes it. */
  state(): string;
  persist(): Envelope;
}

type MachineSnapshot = SnapshotFrom<AnyStateMachine>;

/** Steps of a machine after one event: more are taken for states that chase each other. */
const MAX_STEPS = 100;

/** Of an actor that moves when nothing is heard, nobody would know why it is where it is. */
const NO_CLOCK: ActorOptions<AnyStateMachine>["clock"] = {
  setTimeout() {
    throw new Error("it sets a delay: an actor knows no clock but its events' times");
  },
  clearTimeout() {},
};

/**
 * XState's `createActor`, for a machine that may have been written without care: it takes {@link MAX_STEPS} an event at
 * most, or as many as its own `options.maxIterations` says. XState's default is no bound at all, and states that chase
 * each other would take the process down.
 */
export function createBoundedActor(
  machine: AnyStateMachine,
  options: ActorOptions<AnyStateMachine> = {},
): Actor<AnyStateMachine> {
  if (!Number.isFinite(machine.options.maxIterations)) machine.options.maxIterations = MAX_STEPS;
  return createActor(machine, { clock: NO_CLOCK, ...options });
}

/**
 * Starts a new actor in its machine's initial state.
 *
 * @throws when the machine fails on the way there, or starts with a context that cannot be stored.
 */
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
    // Throws when the snapshot has no state.
    actor.state();
    return actor;
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
      const error = after.status === "error" ? asError(after.error) : findFault(after, before);
      if (error !== undefined) {
        // Whom it has started.
        if (after.status === "active") actor.stop();
        rewind();
        return { kind: "error", error };
      }
      return { kind: isUnchanged(before, after) ? "superseded" : "applied" };
    },
    snapshot: () => showToRules(actor.getSnapshot()),
    state: () => stateText(type.machine.root, actor.getSnapshot().value),
    persist() {
      const json = JSON.stringify(persistable(actor));
      return { snapshot: json, checksum: crc32(json), machineVersion: type.version };
    },
  };
}

function start(machine: AnyStateMachine, snapshot: Snapshot<unknown> | undefined): Actor<AnyStateMachine> {
  const actor = createBoundedActor(machine, snapshot === undefined ? {} : { snapshot });
  // Without an observer XState reports a failed actor as an uncaught exception; send() looks at the status instead.
  actor.subscribe({ error: () => {} });
  actor.start();
  const started = actor.getSnapshot();
  const cause = started.status === "error" ? asError(started.error) : findFault(started);
  if (cause !== undefined) throw new Error(`machine ${machine.id} does not start: ${cause.message}`, { cause });
  return actor;
}

/** What a machine may not do although XState lets it, undefined when it has not. */
function findFault(after: MachineSnapshot, before?: MachineSnapshot): Error | undefined {
  const [child] = Object.keys(after.children);
  if (child !== undefined) return new Error(`it starts ${child}: an actor calls nobody`);
  const problem = seal("context", after.context, before?.context);
  return problem === undefined ? undefined : new Error(problem);
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

function isUnchanged(before: MachineSnapshot, after: MachineSnapshot): boolean {
  if (before === after) return true;
  return (
    before.status === after.status &&
    (before.value === after.value || isDeepStrictEqual(before.value, after.value)) &&
    hasSameHistory(before.historyValue, after.historyValue) &&
    // Merging an event that loses replaces nothing: every field is still the same object.
    hasSame(before.context, after.context, Object.is)
  );
}

function hasSameHistory(before: MachineSnapshot["historyValue"], after: MachineSnapshot["historyValue"]): boolean {
  return hasSame(before, after, (known, now) => hasSame(known, now, Object.is));
}

function hasSame<Member>(
  before: Readonly<Record<string, Member>> | readonly Member[],
  after: Readonly<Record<string, Member>> | readonly Member[],
  isSame: (a: never, b: never) => boolean,
): boolean {
  if (before === after) return true;
  const names = Object.keys(after) as (keyof typeof after)[];
  return (
    names.length === Object.keys(before).length &&
    names.every((name) => Object.hasOwn(before, name) && isSame(before[name] as never, after[name] as never))
  );
}
