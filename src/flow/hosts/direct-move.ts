import type { AnyMachineSnapshot, AnyStateMachine, AnyStateNode, EventObject, MachineContext } from "xstate";
import { act, createDirectStep, passes } from "./direct-step.ts";
import type { Scope } from "./inert-scope.ts";
import { createSelection } from "./selection.ts";

/** Where a step ends: in the states of a snapshot, with a context of its own. */
export interface Reached {
  readonly as: AnyMachineSnapshot;
  readonly context: MachineContext;
}

/** Steps that are made as XState would, without it; undefined for those it has to make. They throw what the machine's own code throws. */
export interface DirectMoves {
  /** @param event - XState's first. */
  begin(machine: AnyStateMachine, event: EventObject): Reached | undefined;
  /** @returns the very context of before when nothing is assigned. */
  step(snapshot: AnyMachineSnapshot, event: EventObject): Reached | undefined;
}

interface Place extends Reached {
  readonly leaf: AnyStateNode;
}

/** What chases itself for longer is told by XState. */
const MOST_STEPS = 8;

/**
 * Steps that only assign, and those between states of the machine itself that have nothing in them and do nothing when they
 * are entered or left: XState makes some hundred objects of one, 6 KB.
 */
export function createDirectMoves(scope: Scope): DirectMoves {
  const assignDirectly = createDirectStep(scope);
  const select = createSelection(passes);
  const shapes = new Map<AnyStateNode, AnyMachineSnapshot | null>();

  /** @returns a snapshot of an actor in this state; null for one that only XState enters and leaves. */
  function shapeOf(node: AnyStateNode, context: MachineContext): AnyMachineSnapshot | null {
    const known = shapes.get(node);
    if (known !== undefined) return known;
    const shape = isPlain(node) ? node.machine.resolveState({ value: node.key, context }) : null;
    shapes.set(node, shape);
    return shape;
  }

  function follow({ leaf, context }: Omit<Place, "as">, taken: Taken, event: EventObject): Place | undefined {
    const [to = leaf, ...others] = taken.target ?? [];
    const as = shapeOf(to, context);
    if (taken.reenter === true || others.length > 0 || as === null) return undefined;
    let assigned = context;
    for (const action of taken.actions) {
      const next = act(leaf, action, { context: assigned, event }, scope);
      if (next === undefined) return undefined;
      assigned = next;
    }
    return { leaf: to, as, context: assigned };
  }

  /** Goes on by eventless transitions, until none is taken. */
  function rest(from: Place, event: EventObject): Reached | undefined {
    let at = from;
    const { maxIterations = 0 } = from.leaf.machine.options;
    for (let steps = 0; steps < Math.min(MOST_STEPS, maxIterations); steps++) {
      const taken = findEventless(at, event);
      if (taken === undefined) return at;
      const next = taken === "unknown" ? undefined : follow(at, taken, event);
      if (next === undefined) return undefined;
      at = next;
    }
    return undefined;
  }

  return {
    begin({ root, config }, event) {
      const context: unknown = config.context ?? {};
      if (typeof context === "function" || root.type !== "compound" || !isSilent(root)) return undefined;
      const first = follow({ leaf: root, context: context as MachineContext }, root.initial as Taken, event);
      return first && rest(first, event);
    },
    step(snapshot, event) {
      const assigned = assignDirectly(snapshot, event);
      if (assigned !== undefined) return { as: snapshot, context: assigned };
      const { machine, value, context, historyValue } = snapshot;
      const leaf = typeof value === "string" ? machine.root.states[value] : undefined;
      if (leaf === undefined || shapeOf(leaf, context) === null) return undefined;
      if (Object.keys(historyValue).length > 0) return undefined;
      const transitions = select(snapshot, event) as readonly Taken[];
      const [taken = NOTHING_TAKEN] = transitions;
      const next = transitions.length > 1 ? undefined : follow({ leaf, context }, taken, event);
      return next && rest(next, event);
    },
  };
}

interface Taken {
  readonly target?: readonly AnyStateNode[] | undefined;
  readonly reenter?: boolean | undefined;
  readonly actions: readonly Parameters<typeof act>[1][];
}

const NOTHING_TAKEN: Taken = { actions: [] };

/** The eventless transition that XState takes; `unknown` where only XState can tell. */
function findEventless({ leaf, context }: Place, event: EventObject): Taken | "unknown" | undefined {
  for (const { always } of [leaf, leaf.machine.root]) {
    for (const transition of always ?? []) {
      const isTaken = transition.guard === undefined || passes(leaf.machine, transition.guard, { context, event });
      if (isTaken === undefined) return "unknown";
      if (isTaken) return transition as Taken;
    }
  }
  return undefined;
}

/** A state of the machine itself without states in it, that does nothing when it is entered or left. */
function isPlain(node: AnyStateNode): boolean {
  return (
    node.type === "atomic" && node.parent?.type === "compound" && node.parent.parent === undefined && isSilent(node)
  );
}

/** A delay is an action of its state, too. */
function isSilent({ entry, exit, invoke }: AnyStateNode): boolean {
  return entry.length === 0 && exit.length === 0 && invoke.length === 0;
}
