import type { GraphEdge, MachineGraph } from "./graph.ts";

/**
 * An edge as it is laid out: always from left to right, from the state that is named first, so that a machine reads as it
 * is written; through its label, which has a place of its own.
 */
export interface Wire {
  readonly edge: GraphEdge;
  /** Of the node that its label is. */
  readonly hub: string;
  /** Null: it begins at the left border of the state that contains its other end. */
  readonly left: WireEnd | null;
  /** Null: it ends at the right border of the state that contains its other end. */
  readonly right: WireEnd | null;
  /** Does its arrow point to the left? */
  readonly isBackward: boolean;
  /** The innermost state that contains it, null at the top. */
  readonly within: string | null;
}

export interface WireEnd {
  readonly id: string;
  /** The state without states in it that it is led to: itself, or one inside. */
  readonly leaf: string;
}

/** Which of the leaves inside a state a line to one of its sides is led to. */
export type ChooseLeaf = (leaves: readonly string[], side: "left" | "right") => string;

export type Nesting = ReturnType<typeof nestingOf>;

/** The states of a machine within each other. */
export function nestingOf({ nodes }: MachineGraph) {
  const parents = new Map(nodes.map(({ id, parent }) => [id, parent]));
  const parentOf = (id: string) => parents.get(id) ?? null;
  /** Is `inner` in `outer`, or the same? */
  const contains = (outer: string, inner: string): boolean => {
    for (let id: string | null = inner; id !== null; id = parentOf(id)) if (id === outer) return true;
    return false;
  };
  const leaves = nodes.filter(({ id }) => !nodes.some(({ parent }) => parent === id)).map(({ id }) => id);
  const below = new Map(nodes.map(({ id }) => [id, leaves.filter((leaf) => contains(id, leaf))]));
  /** Those without states in them, in and below a state; itself when it is one. */
  const leavesOf = (id: string): readonly string[] => below.get(id) ?? [];
  return { parentOf, contains, leavesOf };
}

/** Every edge but those from a state to itself. */
export function wiresOf(machine: MachineGraph, nesting: Nesting, choose: ChooseLeaf): Wire[] {
  const places = new Map(machine.nodes.map(({ id }, place) => [id, place]));
  const placeOf = (id: string) => places.get(id) ?? 0;
  const endAt = (id: string, side: "left" | "right"): WireEnd => ({ id, leaf: choose(nesting.leavesOf(id), side) });
  return machine.edges
    .map((edge, index) => ({ edge, hub: `edge ${index}` }))
    .filter(({ edge }) => edge.source !== edge.target)
    .map(({ edge, hub }) => {
      const { source, target } = edge;
      if (nesting.contains(source, target)) {
        return { edge, hub, left: null, right: endAt(target, "left"), isBackward: false, within: source };
      }
      if (nesting.contains(target, source)) {
        return { edge, hub, left: endAt(source, "right"), right: null, isBackward: false, within: target };
      }
      const isBackward = placeOf(source) > placeOf(target);
      const [first, second] = isBackward ? [target, source] : [source, target];
      const within = commonParent(nesting, source, target);
      return { edge, hub, left: endAt(first, "right"), right: endAt(second, "left"), isBackward, within };
    });
}

/**
 * About how far to the right each leaf will be: how many wires lead one after the other to it, or to a state that it is in,
 * at most.
 */
export function rankLeaves(wires: readonly Wire[], { leavesOf }: Nesting): Map<string, number> {
  const before = new Map<string, string[]>();
  for (const { left, right } of wires) {
    if (left === null || right === null) continue;
    for (const leaf of leavesOf(right.id)) before.set(leaf, [...(before.get(leaf) ?? []), ...leavesOf(left.id)]);
  }
  const ranks = new Map<string, number>();
  // There are no circles: every wire leads on from the state that is named first.
  const rankOf = (leaf: string): number => {
    const rank = ranks.get(leaf) ?? Math.max(0, ...(before.get(leaf) ?? []).map((other) => rankOf(other) + 1));
    ranks.set(leaf, rank);
    return rank;
  };
  for (const leaf of before.keys()) rankOf(leaf);
  return ranks;
}

/** @returns of the leaves the one furthest to this side. */
export function outermost(
  leaves: readonly string[],
  side: "left" | "right",
  ranks: ReadonlyMap<string, number>,
): string {
  const beyond = (leaf: string) => (ranks.get(leaf) ?? 0) * (side === "left" ? -1 : 1);
  return leaves.reduce((best, leaf) => (beyond(leaf) > beyond(best) ? leaf : best));
}

function commonParent({ parentOf, contains }: Nesting, a: string, b: string): string | null {
  let id = parentOf(a);
  while (id !== null && !contains(id, b)) id = parentOf(id);
  return id;
}
