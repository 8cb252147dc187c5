import type {
  AnyMachineSnapshot,
  AnyStateMachine,
  AnyStateNode,
  AnyTransitionDefinition,
  EventObject,
  MachineContext,
} from "xstate";

type Transitions = readonly AnyTransitionDefinition[];

/** @returns the transitions that an event takes in a snapshot's states, as `machine.getTransitionData` says. */
type Selection = (snapshot: AnyMachineSnapshot, event: EventObject) => Transitions;

/** @returns undefined where only XState can tell whether a guard lets an event pass. */
type Passes = (
  machine: AnyStateMachine,
  guard: never,
  heard: { readonly context: MachineContext; readonly event: EventObject },
) => boolean | undefined;

const MAX_TYPES = 1000;

/**
 * XState looks for them anew in each step, a fifth of one that only assigns. Where one state is active, with those it is in,
 * and none of them has a guard for the event's type, they are the same each time; where one has, the guards are asked.
 */
export function createSelection(passes: Passes): Selection {
  const known = new Map<AnyStateNode, Map<string, Transitions | null>>();
  return (snapshot, event) => {
    const { machine, _nodes: nodes } = snapshot;
    const leaf = leafOf(nodes);
    if (leaf === undefined) return machine.getTransitionData(snapshot, event);
    let ofLeaf = known.get(leaf);
    if (ofLeaf === undefined) {
      ofLeaf = new Map();
      known.set(leaf, ofLeaf);
    }
    let found = ofLeaf.get(event.type);
    if (found === undefined) {
      found = isGuarded(nodes, event.type) ? null : machine.getTransitionData(snapshot, event);
      // Types are few, but a machine may make up those it raises.
      if (ofLeaf.size < MAX_TYPES) ofLeaf.set(event.type, found);
    }
    return found ?? choose(leaf, snapshot, event, passes) ?? machine.getTransitionData(snapshot, event);
  };
}

const NONE: Transitions = [];

/** The first transition that passes, from the innermost state outwards; undefined where only XState can tell. */
function choose(
  leaf: AnyStateNode,
  { machine, context }: AnyMachineSnapshot,
  event: EventObject,
  passes: Passes,
): Transitions | undefined {
  for (let node: AnyStateNode | undefined = leaf; node !== undefined; node = node.parent) {
    if (hasWildcards(node)) return undefined;
    for (const transition of node.transitions.get(event.type) ?? NONE) {
      const { guard } = transition;
      const isTaken = !guard || passes(machine, guard as never, { context, event });
      if (isTaken === undefined) return undefined;
      if (isTaken) return [transition];
    }
  }
  return NONE;
}

const WILDCARDS = new WeakMap<AnyStateNode, boolean>();

function hasWildcards(node: AnyStateNode): boolean {
  let found = WILDCARDS.get(node);
  if (found === undefined) {
    found = [...node.transitions.keys()].some(isWildcard);
    WILDCARDS.set(node, found);
  }
  return found;
}

/**
 * After a history state in a parallel one XState's list may lack the parallel one itself.
 *
 * @returns the innermost state; undefined where several are active beside each other.
 */
function leafOf(nodes: readonly AnyStateNode[]): AnyStateNode | undefined {
  let leaf: AnyStateNode | undefined;
  for (const node of nodes) {
    if (node.type === "compound") continue;
    if (node.type === "parallel" || leaf !== undefined) return undefined;
    leaf = node;
  }
  return leaf;
}

/** Also a key for all types of a prefix. */
function isWildcard(descriptor: string): boolean {
  return descriptor.includes("*");
}

/** A wildcard may be for any type. */
function isGuarded(nodes: readonly AnyStateNode[], type: string): boolean {
  return nodes.some((node) =>
    [...node.transitions].some(
      ([descriptor, transitions]) =>
        (descriptor === type || isWildcard(descriptor)) && transitions.some(({ guard }) => guard !== undefined),
    ),
  );
}
