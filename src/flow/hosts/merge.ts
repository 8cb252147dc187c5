import { isDeepStrictEqual } from "node:util";
import { crc32 } from "node:zlib";
import type { Actor, ActorOptions, AnyStateMachine, Snapshot, SnapshotFrom } from "xstate";
import { showToRules } from "../../actor/actor-snapshot.ts";
import type { ActorSnapshot, ActorType } from "../../actor/actor-type.ts";
import { asError } from "../../actor/as-error.ts";
import { createBoundedActor } from "../../actor/bounded-actor.ts";
import { seal } from "../../actor/seal.ts";
import { stateText } from "../../actor/state-text.ts";
import type { LiveActor } from "./live-actor.ts";

type MachineSnapshot = SnapshotFrom<AnyStateMachine>;

/**
 * Starts an actor whose machine merges what it hears.
 *
 * @throws when its machine does not start.
 */
export function startMerging(type: ActorType, actorId: string): LiveActor {
  return live(type, { input: { id: actorId } });
}

/** @param snapshot - XState's persisted snapshot, as far as anybody knows. @throws when XState does not take it. */
export function restoreMerging(type: ActorType, snapshot: object): LiveActor {
  const actor = live(type, { snapshot: snapshot as Snapshot<unknown> });
  // Throws when the snapshot has no state.
  actor.state();
  return actor;
}

function live(type: ActorType, from: ActorOptions<AnyStateMachine>): LiveActor {
  let actor = start(type.machine, from);
  let before = actor.getSnapshot();
  const rewind = () => {
    actor = start(type.machine, { snapshot: type.machine.getPersistedSnapshot(before) });
  };
  let shown: { readonly of: MachineSnapshot; readonly snapshot: ActorSnapshot; readonly state: string } | undefined;
  /** Made once for each of the machine's snapshots: it is asked for several times an event. */
  const show = () => {
    const of = actor.getSnapshot();
    if (shown?.of !== of) shown = { of, snapshot: showToRules(of), state: stateText(type.machine.root, of.value) };
    return shown;
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
    snapshot: () => show().snapshot,
    state: () => show().state,
    // An actor that merges waits for nothing, and forgets what it merged.
    isTooLate: () => false,
    settle() {},
    pass() {},
    fault: () => undefined,
    due: () => null,
    waits: () => [],
    anchors: () => null,
    persist() {
      const json = JSON.stringify(persistable(actor));
      return { snapshot: json, checksum: crc32(json), machineVersion: type.version };
    },
  };
}

function start(machine: AnyStateMachine, from: ActorOptions<AnyStateMachine>): Actor<AnyStateMachine> {
  const actor = createBoundedActor(machine, from);
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
