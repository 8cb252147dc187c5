import {
  type AnyMachineSnapshot,
  type AnyStateMachine,
  type AnyStateNode,
  assign,
  type EventObject,
  type MachineContext,
} from "xstate";
import type { Scope } from "./inert-scope.ts";
import { createSelection } from "./selection.ts";

/** What XState's `assign` gives, as its step reads it. */
interface Assign {
  readonly resolve: unknown;
  readonly assignment: Assignment | Readonly<Record<string, Assignment | unknown>>;
}

type Assignment = (args: object, params: unknown) => unknown;

/** Tells XState's own `assign` from whatever else is called so. */
const { resolve: ASSIGNS } = assign({}) as unknown as Assign;

/**
 * Makes a step that leaves all states as they are, as XState would: most facts of an actor with many only assign, and those
 * are what a late one has folded again. XState makes some twenty objects a step, and finds its states anew.
 *
 * @returns the context afterwards, the very one of before when nothing is assigned; undefined when XState has to make the
 *   step: it enters or leaves a state, may take an eventless transition, or does more than assign.
 * @throws what the machine's own code throws.
 */
export type AssignDirectly = (snapshot: AnyMachineSnapshot, event: EventObject) => MachineContext | undefined;

export function createDirectStep(scope: Scope): AssignDirectly {
  const select = createSelection(passes);
  return (snapshot, event) => {
    const { context } = snapshot;
    if (context === undefined) return undefined;
    const transitions = select(snapshot, event);
    const [transition] = transitions;
    if (transition === undefined) return mayMove(snapshot, { context, event }) ? undefined : context;
    const { target, actions } = transition;
    // Parallel states' transitions may be one and the same, or each other's rivals.
    if (transitions.length > 1 || (target !== undefined && target.length > 0)) return undefined;
    let assigned = context;
    for (const action of actions as readonly Action[]) {
      const next = act(snapshot, action, { context: assigned, event }, scope);
      if (next === undefined) return undefined;
      assigned = next;
    }
    return mayMove(snapshot, { context: assigned, event }) ? undefined : assigned;
  };
}

type Action = string | ((...args: never) => unknown) | { readonly type: string; readonly params?: unknown };

type Guard = Action;

interface Heard {
  readonly context: MachineContext;
  readonly event: EventObject;
}

/** @returns the context afterwards; undefined for what only XState does. */
export function act(
  { machine }: Pick<AnyStateNode, "machine">,
  action: Action,
  heard: Heard,
  scope: Scope,
): MachineContext | undefined {
  const found: unknown = typeof action === "function" ? action : machine.implementations.actions[nameOf(action)];
  const params = typeof action === "object" ? paramsOf(action.params, heard) : undefined;
  if (typeof found === "function" && "resolve" in found) {
    return found.resolve === ASSIGNS ? change(found as unknown as Assign, params, heard, scope) : undefined;
  }
  // One of the machine's own: it is not executed.
  return typeof action !== "function" && nameOf(action).startsWith("xstate.") ? undefined : heard.context;
}

function nameOf(action: Exclude<Action, (...args: never) => unknown>): string {
  return typeof action === "string" ? action : action.type;
}

function paramsOf(params: unknown, heard: Heard): unknown {
  return typeof params === "function" ? params(heard) : params;
}

/** @returns undefined when it spawns: XState says of what. */
function change({ assignment }: Assign, params: unknown, heard: Heard, scope: Scope): MachineContext | undefined {
  let isSpawning = false;
  const spawn = () => {
    isSpawning = true;
    throw new Error("it starts an actor: an actor calls nobody");
  };
  const args = { context: heard.context, event: heard.event, spawn, self: scope.self, system: scope.system };
  try {
    const changed = typeof assignment === "function" ? assignment(args, params) : evaluate(assignment, args, params);
    return isSpawning ? undefined : Object.assign({ ...heard.context }, changed);
  } catch (error) {
    if (isSpawning) return undefined;
    throw error;
  }
}

function evaluate(assignment: Exclude<Assign["assignment"], Assignment>, args: object, params: unknown): object {
  const changed: Record<string, unknown> = {};
  for (const name of Object.keys(assignment)) {
    const value = assignment[name];
    changed[name] = typeof value === "function" ? value(args, params) : value;
  }
  return changed;
}

/** Is an eventless transition taken of what was assigned, as far as can be told without XState? */
function mayMove({ _nodes, machine }: AnyMachineSnapshot, heard: Heard): boolean {
  for (const { always } of _nodes as readonly AnyStateNode[]) {
    for (const { guard } of always ?? [])
      if (guard === undefined || passes(machine, guard, heard) !== false) return true;
  }
  return false;
}

/** @returns undefined where only XState can tell. */
export function passes({ implementations }: AnyStateMachine, guard: Guard, heard: Heard): boolean | undefined {
  const found: unknown = typeof guard === "function" ? guard : implementations.guards[nameOf(guard)];
  // XState's own look at more, such as `stateIn`; of one that nobody has made it says so.
  if (typeof found !== "function" || "check" in found) return undefined;
  try {
    return Boolean(found(heard, typeof guard === "object" ? paramsOf(guard.params, heard) : undefined));
  } catch {
    // XState may not come to ask it.
    return undefined;
  }
}
