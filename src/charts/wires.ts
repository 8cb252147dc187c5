import type { GraphEdge, MachineGraph } from "./graph.ts";

/**
 * An edge as it is laid out: always from left to right, from the state that is named first, so that a machine reads as it
 * is written; through its label, which has a place of its own.
 */
export interface Wire {
  readonly edge: GraphEdge;
  /** Of the node that its label is, and of no state: no path has such a dot without a backslash before it. */
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
  /** The state without states in it that it is led to: itself, or of those inside the one furthest to that side. */
  readonly leaf: string;
}

/** A wire by the states at its ends. */
interface Span extends Omit<Wire, "left" | "right"> {
  readonly left: string | null;
  readonly right: string | null;
}

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
  return { parentOf, contains, leaves, leavesOf };
}

/** Every edge but those from a state to itself. */
export function wiresOf(machine: MachineGraph, nesting: Nesting): Wire[] {
  const spans = spansOf(machine, nesting);
  const ranks = rankLeaves(spans, nesting);
  const endAt = (id: string | null, beyond: 1 | -1): WireEnd | null => {
    if (id === null) return null;
    const rankOf = (leaf: string) => (ranks.get(leaf) ?? 0) * beyond;
    return { id, leaf: nesting.leavesOf(id).reduce((best, leaf) => (rankOf(leaf) > rankOf(best) ? leaf : best)) };
  };
  return spans.map((span) => ({ ...span, left: endAt(span.left, 1), right: endAt(span.right, -1) }));
}

function spansOf({ nodes, edges }: MachineGraph, { contains, parentOf }: Nesting): Span[] {
  const places = new Map(nodes.map(({ id }, place) => [id, place]));
  const placeOf = (id: string) => places.get(id) ?? 0;
  return edges
    .map((edge, index) => ({ edge, hub: `edge · ${index}`, isBackward: false }))
    .filter(({ edge }) => edge.source !== edge.target)
    .map((wire) => {
      const { source, target } = wire.edge;
      if (contains(source, target)) return { ...wire, left: null, right: target, within: source };
      if (contains(target, source)) return { ...wire, left: source, right: null, within: target };
      const isBackward = placeOf(source) > placeOf(target);
      const [left, right] = isBackward ? [target, source] : [source, target];
      let within = parentOf(source);
      while (within !== null && !contains(within, target)) within = parentOf(within);
      return { ...wire, left, right, isBackward, within };
    });
}

/**
 * About how far to the right each leaf will be: how many wires lead one after the other to it, or to a state that it is in,
 * at most.
 */
function rankLeaves(spans: readonly Span[], { leavesOf }: Nesting): Map<string, number> {
  const before = new Map<string, string[]>();
  for (const { left, right } of spans) {
    if (left === null || right === null) continue;
    for (const leaf of leavesOf(right)) before.set(leaf, [...(before.get(leaf) ?? []), ...leavesOf(left)]);
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
