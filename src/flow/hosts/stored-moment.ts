import type { AnyMachineSnapshot, AnyStateMachine, AnyStateNode, StateValue } from "xstate";
import { nodesOf } from "../../actor/state-text.ts";
import { freezeJson } from "./settle.ts";
import type { Moment } from "./statechart.ts";
import type { Timers } from "./timers.ts";

/** A moment as JSON. */
export interface StoredMoment {
  readonly status: "active" | "done";
  readonly value: StateValue;
  /** Ids of the active states, in the order XState has them: parallel states' transitions are taken in it. */
  readonly nodes: readonly string[];
  /** Ids by history state; absent when none remembers anything. */
  readonly history?: Readonly<Record<string, readonly string[]>> | undefined;
  readonly context: unknown;
  readonly output?: unknown;
  readonly timers: Timers;
}

/** @returns an object that JSON keeps as it is: steps have settled all that is in it. */
export function storeMoment({ snapshot, timers }: Moment): StoredMoment {
  const { status, value, context, output, historyValue } = snapshot;
  return {
    status: status === "done" ? "done" : "active",
    value,
    nodes: idsOf(snapshot._nodes),
    history: storeHistory(historyValue as History),
    context,
    output,
    timers,
  };
}

function storeHistory(history: History): StoredMoment["history"] {
  const remembered = Object.keys(history);
  if (remembered.length === 0) return undefined;
  return Object.fromEntries(remembered.map((id) => [id, idsOf(history[id] as readonly AnyStateNode[])]));
}

function idsOf(nodes: readonly AnyStateNode[]): string[] {
  return nodes.map(({ id }) => id);
}

/**
 * Revives what {@link storeMoment} gave.
 *
 * XState's own `restoreSnapshot` puts the active states in the order in which their parents are written, not in that of
 * before; it also reads a context that looks like an actor as one.
 *
 * @returns what is as frozen as it was: a machine that changes its context in place must fail then and now.
 * @throws when the machine has no such states.
 */
export function reviveMoment(machine: AnyStateMachine, stored: StoredMoment): Moment {
  const { byId } = finderOf(machine);
  const context = freezeJson(stored.context);
  const output = stored.output === undefined ? undefined : freezeJson(stored.output);
  const history = Object.entries(stored.history ?? {}).map(([id, ids]) => [id, ids.map(byId)]);
  const snapshot = {
    ...snapshotIn(machine, stored),
    status: stored.status,
    output,
    context,
    historyValue: Object.fromEntries(history),
  } as AnyMachineSnapshot;
  return { snapshot, timers: freezeJson(stored.timers) as Timers };
}

/** A machine of many parallel states may be in thousands. */
const MAX_KNOWN = 256;

const KNOWN = new WeakMap<AnyStateMachine, Map<string, AnyMachineSnapshot>>();

/** Of moments in the same states only the rest differs, and to find what follows from those is most of reviving one. */
function snapshotIn(machine: AnyStateMachine, { value, nodes, context }: StoredMoment): AnyMachineSnapshot {
  const known = KNOWN.get(machine) ?? new Map<string, AnyMachineSnapshot>();
  KNOWN.set(machine, known);
  const name = JSON.stringify([value, nodes]);
  const found = known.get(name);
  if (found !== undefined) return found;
  const resolved: AnyMachineSnapshot = machine.resolveState({ value, context });
  const { byId, isUnique } = finderOf(machine);
  const _nodes = nodes.map(isUnique ? byId : takeOneOf([...resolved._nodes], byId));
  const made = { ...resolved, value: freezeJson(value), _nodes, tags: tagsOf(_nodes) } as AnyMachineSnapshot;
  if (known.size < MAX_KNOWN) known.set(name, made);
  return made;
}

/** In the order in which XState gives them to who never left memory. */
function tagsOf(nodes: readonly AnyStateNode[]): ReadonlySet<string> {
  return new Set(nodes.flatMap(({ tags }) => tags));
}

/** @throws when the machine has not all the states of a stored moment. */
export function checkStates(machine: AnyStateMachine, { nodes, history = {} }: StoredMoment): void {
  const { byId } = finderOf(machine);
  for (const id of [nodes, ...Object.values(history)].flat()) byId(id);
}

type History = Readonly<Record<string, readonly AnyStateNode[]>>;

type Find = (id: string) => AnyStateNode;

interface Finder {
  readonly byId: Find;
  /** No two states have one id, which XState lets pass. */
  readonly isUnique: boolean;
}

const FINDERS = new WeakMap<AnyStateMachine, Finder>();

/** `machine.getStateNodeById` reads an id's dots as a path. */
function finderOf(machine: AnyStateMachine): Finder {
  const known = FINDERS.get(machine);
  if (known !== undefined) return known;
  const all = [...nodesOf(machine.root)];
  const nodes = new Map(all.map((node) => [node.id, node]));
  const byId = (id: string) => {
    const node = nodes.get(id);
    if (node === undefined) throw new Error(`machine ${machine.id} has no state ${id}`);
    return node;
  };
  const finder = { byId, isUnique: nodes.size === all.length };
  FINDERS.set(machine, finder);
  return finder;
}

/** Of several with one id the one that is active, an outer one first, and none a second time. */
function takeOneOf(active: AnyStateNode[], otherwise: Find): Find {
  return (id) => {
    const at = active.findIndex((node) => node.id === id);
    return (at < 0 ? undefined : active.splice(at, 1)[0]) ?? otherwise(id);
  };
}
