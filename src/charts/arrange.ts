import { Graph, layout } from "@dagrejs/dagre";
import { type Box, boxAround, boxOver, type Point } from "./box.ts";
import type { MachineGraph } from "./graph.ts";
import type { Wire } from "./wires.ts";

/** Between a state and what is in it, at least. */
const PADDING = 12;

/** How large something is drawn, px. */
export type Size = Pick<Box, "width" | "height">;

export interface Arranged {
  /** By state. */
  readonly boxes: ReadonlyMap<string, Box>;
  /** Of the edges' labels, by hub. */
  readonly labels: ReadonlyMap<string, Box>;
  /** By hub: where an edge passes between its ends, from the left to the right, the middle of its label among it. */
  readonly lines: ReadonlyMap<string, readonly Point[]>;
}

/**
 * Arranges states in ranks from left to right, by dagre. It draws no edge to a state with others in it, which is why wires
 * end at leaves.
 *
 * @param sizes - of states without states in them by id, of labels by hub.
 */
export function arrange(machine: MachineGraph, wires: readonly Wire[], sizes: ReadonlyMap<string, Size>): Arranged {
  const graph = new Graph({ compound: true, multigraph: true });
  graph.setGraph({ rankdir: "LR", nodesep: 26, edgesep: 14, ranksep: 50, marginx: 4, marginy: 12 });
  for (const { id } of machine.nodes) graph.setNode(keyOf(id), { ...sizes.get(id) });
  for (const { id, parent } of machine.nodes) if (parent !== null) graph.setParent(keyOf(id), keyOf(parent));
  for (const { hub, left, right, within } of wires) {
    graph.setNode(keyOf(hub), { ...sizes.get(hub) });
    if (within !== null) graph.setParent(keyOf(hub), keyOf(within));
    if (left !== null) graph.setEdge(keyOf(left.leaf), keyOf(hub), {});
    if (right !== null) graph.setEdge(keyOf(hub), keyOf(right.leaf), {});
  }
  layout(graph);
  const placeOf = (id: string) => graph.node(keyOf(id)) as Box;
  const passing = (v: string, w: string) =>
    ((graph.edge(keyOf(v), keyOf(w)) ?? { points: [] }) as { readonly points: readonly Point[] }).points.slice(1, -1);
  const lineOf = ({ hub, left, right }: Wire) => {
    const { x, y } = placeOf(hub);
    return [...passing(left?.leaf ?? "", hub), { x, y }, ...passing(hub, right?.leaf ?? "")];
  };
  return {
    boxes: contain(machine, new Map(machine.nodes.map(({ id }) => [id, boxAround(placeOf(id))]))),
    labels: new Map(wires.map(({ hub }) => [hub, boxAround(placeOf(hub))])),
    lines: new Map(wires.map((wire) => [wire.hub, lineOf(wire)])),
  };
}

/** Dagre looks names up in plain objects, which have a `constructor` and a `toString` already. */
function keyOf(id: string): string {
  return `:${id}`;
}

/** Where much goes back and forth, dagre loses sight of what a state contains. */
function contain({ nodes }: MachineGraph, boxes: Map<string, Box>): Map<string, Box> {
  for (const { id, parent } of nodes.toReversed()) {
    if (parent !== null) boxes.set(parent, boxOver([boxes.get(parent) as Box, padded(boxes.get(id) as Box)]));
  }
  return boxes;
}

function padded({ x, y, width, height }: Box): Box {
  return { x: x - PADDING, y: y - PADDING, width: width + 2 * PADDING, height: height + 2 * PADDING };
}
