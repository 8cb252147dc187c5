import { isDeepStrictEqual } from "node:util";
import { crc32 } from "node:zlib";
import type { AnyMachineSnapshot, AnyStateMachine, EventObject, Snapshot } from "xstate";
import { showToRules } from "../../actor/actor-snapshot.ts";
import type { ActorEvent, ActorSnapshot, ActorType } from "../../actor/actor-type.ts";
import { asError } from "../../actor/as-error.ts";
import { boundSteps } from "../../actor/bounded-actor.ts";
import { seal } from "../../actor/seal.ts";
import { stateText } from "../../actor/state-text.ts";
import { createDirectMoves, type DirectMoves, type Reached } from "./direct-move.ts";
import { createInertScope, refuseChildren, type Scope, type Yielded } from "./inert-scope.ts";
import type { LiveActor } from "./live-actor.ts";
import { freezeJson, settle } from "./settle.ts";

/**
 * Starts an actor whose machine merges what it hears.
 *
 * @throws when its machine does not start.
 */
export function startMerging(type: ActorType, actorId: string): LiveActor {
  const { machine } = type;
  try {
    return live(type, start(machine, { id: actorId }));
  } catch (thrown) {
    const cause = asError(thrown);
    throw new Error(`machine ${machine.id} does not start: ${cause.message}`, { cause });
  }
}

/** @param stored - XState's persisted snapshot, as far as anybody knows. @throws when XState does not take it. */
export function restoreMerging(type: ActorType, stored: object): LiveActor {
  const snapshot = restore(type.machine, stored as Snapshot<unknown>);
  checkStep(snapshot);
  // What JSON gives it gives back: it is only to be frozen.
  freezeJson(snapshot.context);
  return live(type, snapshot);
}

/** What an actor that merges never does: it waits for nothing, and forgets what it merged. */
const WAITS_FOR_NOTHING: Omit<LiveActor, "send" | "rewind" | "snapshot" | "conclude" | "state" | "persist"> = {
  weigh: () => 0,
  *prepare() {},
  isTooLate: () => false,
  settle() {},
  base: () => undefined,
  pass() {},
  fault: () => undefined,
  due: () => null,
  waits: () => [],
  anchors: () => null,
};

/** Between two events an actor is its machine's snapshot, which is immutable, and nothing more. */
interface Merging {
  type: ActorType;
  now: AnyMachineSnapshot;
  before: AnyMachineSnapshot;
  shown: Shown | undefined;
}

interface Shown {
  readonly of: AnyMachineSnapshot;
  readonly snapshot: ActorSnapshot;
  readonly state: string;
}

/** Made once for each of the machine's snapshots: it is asked for several times an event. */
function show(actor: Merging): Shown {
  const { type, now, shown } = actor;
  if (shown?.of === now) return shown;
  const { value } = now;
  const state = shown !== undefined && shown.of.value === value ? shown.state : stateText(type.machine.root, value);
  actor.shown = { of: now, snapshot: showToRules(now), state };
  return actor.shown;
}

/** The same for all: functions of its own were a sixth of what an actor takes in memory, and lived as long as it. */
const MERGING: LiveActor & ThisType<Merging> = {
  ...WAITS_FOR_NOTHING,
  rewind() {
    this.now = this.before;
  },
  send(event) {
    const before = this.now;
    this.before = before;
    // A live actor that is done hears nothing any more; XState's pure step would still run the root's handlers.
    if (before.status !== "active") return { kind: "superseded", replayed: 0 };
    try {
      this.now = step(this.type.machine, before, event);
    } catch (thrown) {
      return { kind: "error", error: asError(thrown) };
    }
    return { kind: isUnchanged(before, this.now) ? "superseded" : "applied", replayed: 0 };
  },
  snapshot() {
    return show(this).snapshot;
  },
  conclude() {
    return this.type.conclude(show(this).snapshot);
  },
  state() {
    return show(this).state;
  },
  persist() {
    const json = JSON.stringify(persistable(this.now));
    return { snapshot: json, checksum: crc32(json), machineVersion: this.type.version };
  },
};

function live(type: ActorType, now: AnyMachineSnapshot): LiveActor {
  const actor: LiveActor & Merging = Object.create(MERGING);
  actor.type = type;
  actor.now = now;
  actor.before = now;
  actor.shown = undefined;
  return actor;
}

/** What all actors of a machine share. */
interface Shared {
  /** In which all steps are made. What they may not do is refused there. */
  readonly scope: Scope;
  readonly direct: DirectMoves;
  /** The first snapshot restored in each state. */
  readonly restored: Map<string, AnyMachineSnapshot>;
}

const SHARED = new WeakMap<AnyStateMachine, Shared>();

function sharedOf(machine: AnyStateMachine): Shared {
  const known = SHARED.get(machine);
  if (known !== undefined) return known;
  boundSteps(machine);
  // Entry actions of the first step are given the very object that all actors begin with.
  seal("context", machine.config.context);
  const scope = { ...createInertScope(), actionExecutor: refuse };
  const shared = { scope, direct: createDirectMoves(scope), restored: new Map() };
  SHARED.set(machine, shared);
  return shared;
}

/** None is executed, the machine's own least of all; those of XState's that go beyond the step are refused. */
function refuse({ type, params }: Yielded): void {
  if (type === "xstate.sendTo") throw new Error("it sends to an actor: an actor calls nobody");
  const delay = type === "xstate.raise" ? (params as { readonly delay?: unknown }).delay : undefined;
  // Of an actor that moves when nothing is heard, nobody would know why it is where it is.
  if (delay !== undefined) throw new Error("it sets a delay: an actor knows no clock but its events' times");
}

function start(machine: AnyStateMachine, input: { readonly id: string }): AnyMachineSnapshot {
  const { scope, direct } = sharedOf(machine);
  const reached = direct.begin(machine, { type: "xstate.init", input } as EventObject);
  return reached === undefined ? taken(machine.getInitialSnapshot(scope, input)) : arrived(reached);
}

/** Most steps assign, and go from one state to another at most: XState makes some fifty objects of the least. */
function step(machine: AnyStateMachine, before: AnyMachineSnapshot, event: ActorEvent): AnyMachineSnapshot {
  const { scope, direct } = sharedOf(machine);
  const reached = direct.step(before, event);
  return reached === undefined ? taken(machine.transition(before, event, scope), before) : arrived(reached, before);
}

function arrived({ as, context }: Reached, before?: AnyMachineSnapshot): AnyMachineSnapshot {
  if (as === before && context === before.context) return before;
  return { ...as, context: settle("context", context, before?.context) } as AnyMachineSnapshot;
}

/** @returns the snapshot, in memory as a row would give it back. @throws what is wrong with it. */
function taken(after: AnyMachineSnapshot, before?: AnyMachineSnapshot): AnyMachineSnapshot {
  checkStep(after);
  if (after === before) return after;
  const context = settle("context", after.context, before?.context);
  const output = after.output === undefined ? undefined : settle("output", after.output);
  return { ...after, context, output } as AnyMachineSnapshot;
}

function checkStep(snapshot: AnyMachineSnapshot): void {
  if (snapshot.status === "error") throw snapshot.error;
  refuseChildren(snapshot);
}

/**
 * XState's `restoreSnapshot`. That finds the active states anew for each snapshot, which costs more than all the rest,
 * while of those in one state only the context differs.
 */
function restore(machine: AnyStateMachine, stored: Snapshot<unknown>): AnyMachineSnapshot {
  const { status, value, historyValue, context } = stored as AnyMachineSnapshot;
  const { scope, restored } = sharedOf(machine);
  if (status !== "active" || typeof value !== "string" || Object.keys(historyValue).length > 0) {
    return machine.restoreSnapshot(stored as AnyMachineSnapshot, scope);
  }
  const known = restored.get(value);
  if (known !== undefined) return { ...known, context };
  const first = machine.restoreSnapshot(stored as AnyMachineSnapshot, scope);
  restored.set(value, first);
  return first;
}

/**
 * What XState's `getPersistedSnapshot` gives for a machine without children and history states, three times faster:
 * that one copies the context deeply to look for actors in it. A test holds the two equal.
 */
function persistable(snapshot: AnyMachineSnapshot): object {
  const { status, output, value, historyValue, context, children } = snapshot;
  const isPlain = Object.keys(historyValue).length === 0;
  return isPlain
    ? { status, output, value, historyValue, context, children }
    : snapshot.machine.getPersistedSnapshot(snapshot);
}

function isUnchanged(before: AnyMachineSnapshot, after: AnyMachineSnapshot): boolean {
  if (before === after) return true;
  return (
    before.status === after.status &&
    (before.value === after.value || isDeepStrictEqual(before.value, after.value)) &&
    hasSameHistory(before.historyValue, after.historyValue) &&
    // Merging an event that loses replaces nothing: every field is still the same object.
    hasSame(before.context, after.context, Object.is)
  );
}

function hasSameHistory(
  before: AnyMachineSnapshot["historyValue"],
  after: AnyMachineSnapshot["historyValue"],
): boolean {
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
