import type { AnyMachineSnapshot, AnyStateNode, AnyTransitionDefinition, EventObject } from "xstate";

type Transitions = readonly AnyTransitionDefinition[];

/** @returns the transitions that an event takes in a snapshot's states, as `machine.getTransitionData` says. */
type Selection = (snapshot: AnyMachineSnapshot, event: EventObject) => Transitions;

const MAX_TYPES = 1000;

/**
 * XState looks for them anew in each step, a fifth of one that only assigns. Where one state is active, with those it is in,
 * and none of them has a guard for the event's type, they are the same each time.
 */
export function createSelection(): Selection {
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
    return found ?? machine.getTransitionData(snapshot, event);
  };
}

/** @returns the innermost state; undefined where several are active beside each other. */
function leafOf(nodes: readonly AnyStateNode[]): AnyStateNode | undefined {
  let leaf: AnyStateNode | undefined;
  for (const node of nodes) {
    if (node.type === "parallel") return undefined;
    if (node.type !== "compound") leaf = node;
  }
  return leaf;
}

/** A wildcard may be for any type. */
function isGuarded(nodes: readonly AnyStateNode[], type: string): boolean {
  return nodes.some((node) =>
    [...node.transitions].some(
      ([descriptor, transitions]) =>
        (descriptor === type || descriptor.includes("*")) && transitions.some(({ guard }) => guard !== undefined),
    ),
  );
}
