import { Graph, layout } from "@dagrejs/dagre";
import { type Point, smoothPath } from "./edge-path.ts";
import type { GraphEdge, GraphLabel, GraphNode, MachineGraph } from "./graph.ts";

/** A machine with a place for everything; lengths in px. */
export interface MachineLayout {
  readonly description: string | null;
  readonly width: number;
  readonly height: number;
  readonly nodes: readonly PlacedNode[];
  readonly edges: readonly PlacedEdge[];
  readonly everywhere: readonly GraphLabel[];
}

/** `x` and `y` are the top left corner. */
export interface PlacedNode extends GraphNode, Box {}

export interface PlacedEdge extends GraphEdge {
  /** The `d` of an SVG path from source to target, through the middle of the label. */
  readonly path: string;
  readonly label: Box;
  /** What the label says, a line for each way. */
  readonly lines: readonly string[];
}

interface Box {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** An edge as dagre is given it: always from the state that is named first, so that a machine reads as it is written. */
interface Wire {
  readonly edge: GraphEdge;
  readonly v: string;
  readonly w: string;
  readonly name: string;
  readonly isBackward: boolean;
}

/** Width of a character of the page's type, in nodes and in labels: a little more than the widest system font takes. */
const NODE = { character: 8, minWidth: 128, maxWidth: 260, minHeight: 68, padding: 32 };
const LABEL = { character: 6.4, minWidth: 40, maxWidth: 220, padding: 8, line: 15, maxLines: 3 };
/** Between two lines that end at the same side of a state. */
const PORT_GAP = 13;
const LOOP_DEPTH = 22;

/**
 * Lays a machine out from left to right. Costs some milliseconds: once per machine, never per request.
 *
 * An edge that begins or ends at a state with children is led to the child that is entered first, because dagre draws
 * edges between leaves only.
 */
export function layoutMachine(machine: MachineGraph): MachineLayout {
  const graph = new Graph({ compound: true, multigraph: true });
  graph.setGraph({ rankdir: "LR", nodesep: 30, edgesep: 12, ranksep: 58, marginx: 4, marginy: 12 });
  const wires = machine.edges.map((edge, index) => wireOf(machine, edge, index));
  for (const node of machine.nodes) graph.setNode(node.id, sizeOf(node, wires));
  for (const { id, parent } of machine.nodes) if (parent !== null) graph.setParent(id, parent);
  for (const wire of wires) graph.setEdge(wire, labelSize(wire.edge));
  layout(graph);

  const boxes = new Map(machine.nodes.map(({ id }) => [id, boxOf(graph.node(id) as Centred)]));
  const placed = wires.map((wire) => ({ wire, ...(graph.edge(wire) as Centred & { readonly points: Point[] }) }));
  attach(placed, boxes);
  const edges = placed.map(({ wire, points, ...label }) =>
    wire.v === wire.w ? loopAt(wire.edge, boxes.get(wire.v) ?? NOWHERE) : placeEdge(wire, points, label),
  );
  const { width, height } = graph.graph() as { width: number; height: number };
  return {
    description: machine.description,
    everywhere: machine.everywhere,
    width: Math.ceil(width),
    height: Math.ceil(Math.max(height, ...edges.map(({ label }) => label.y + label.height))),
    nodes: machine.nodes.map((node) => ({ ...node, ...(boxes.get(node.id) ?? NOWHERE) })),
    edges,
  };
}

function placeEdge({ edge, isBackward }: Wire, points: readonly Point[], label: Centred): PlacedEdge {
  const path = smoothPath(isBackward ? points.toReversed() : points);
  return { ...edge, path, label: boxOf(label), lines: linesOf(edge) };
}

/** Below its state: where dagre puts a loop when it draws from left to right is not beside it. */
function loopAt(edge: GraphEdge, { x, y, width, height }: Box): PlacedEdge {
  const bottom = y + height;
  const size = labelSize(edge);
  const [right, left] = [round(x + width * 0.7), round(x + width * 0.3)];
  const depth = bottom + LOOP_DEPTH * 1.33;
  const path = `M${right},${bottom}C${right + 12},${depth} ${left - 12},${depth} ${left},${bottom}`;
  const label = boxOf({ ...size, x: x + width / 2, y: bottom + LOOP_DEPTH });
  return { ...edge, path, label, lines: linesOf(edge) };
}

/** A box as dagre gives it back: the point is its middle. */
interface Centred extends Box {}

const NOWHERE: Box = { x: 0, y: 0, width: 0, height: 0 };

function wireOf(machine: MachineGraph, edge: GraphEdge, index: number): Wire {
  const place = (id: string) => machine.nodes.findIndex((node) => node.id === id);
  const ends = [leafOf(machine, edge.source), leafOf(machine, edge.target)] as const;
  const isBackward = place(ends[0]) > place(ends[1]);
  const [v, w] = isBackward ? [ends[1], ends[0]] : ends;
  return { edge, v, w, name: String(index), isBackward };
}

function leafOf(machine: MachineGraph, id: string): string {
  const children = machine.nodes.filter(({ parent }) => parent === id);
  const first = children.find(({ isInitial }) => isInitial) ?? children[0];
  return first === undefined ? id : leafOf(machine, first.id);
}

/** Lines leave a state on its right and reach the next on its left, spread evenly, in the order in which they go on. */
function attach(placed: readonly { readonly wire: Wire; readonly points: Point[] }[], boxes: Map<string, Box>): void {
  const straight = placed.filter(({ wire }) => wire.v !== wire.w);
  for (const [id, { x, y, width, height }] of boxes) {
    const right = straight
      .filter(({ wire }) => wire.v === id)
      .map(({ points }) => ({ points, end: 0, next: points[1] }));
    const left = straight
      .filter(({ wire }) => wire.w === id)
      .map(({ points }) => ({ points, end: points.length - 1, next: points.at(-2) }));
    for (const [ports, side] of [
      [right, x + width],
      [left, x],
    ] as const) {
      ports.sort((a, b) => (a.next?.y ?? 0) - (b.next?.y ?? 0));
      ports.forEach(({ points, end }, index) => {
        points[end] = { x: side, y: y + (height * (index + 1)) / (ports.length + 1) };
      });
    }
  }
}

function linesOf({ labels }: GraphEdge): string[] {
  const lines = labels.map(({ event, guard }) => [event, guard === null ? "" : `[${guard}]`].filter(Boolean).join(" "));
  const shown = lines.filter((line) => line !== "").slice(0, LABEL.maxLines);
  return lines.length > LABEL.maxLines ? [...shown.slice(0, -1), `and ${lines.length - shown.length + 1} more`] : shown;
}

function sizeOf({ id, name }: GraphNode, wires: readonly Wire[]) {
  const ports = Math.max(wires.filter(({ v }) => v === id).length, wires.filter(({ w }) => w === id).length);
  const width = Math.min(NODE.maxWidth, Math.max(NODE.minWidth, name.length * NODE.character + NODE.padding));
  return { width, height: Math.max(NODE.minHeight, (ports + 1) * PORT_GAP) };
}

/** One line more than there is text: how much flows there. */
function labelSize(edge: GraphEdge) {
  const lines = linesOf(edge);
  const longest = Math.max(0, ...lines.map((line) => line.length));
  const width = Math.min(LABEL.maxWidth, Math.max(LABEL.minWidth, longest * LABEL.character + LABEL.padding));
  return { width, height: (lines.length + 1) * LABEL.line, labelpos: "c" };
}

function boxOf({ x, y, width, height }: Centred): Box {
  return { x: round(x - width / 2), y: round(y - height / 2), width: round(width), height: round(height) };
}

function round(length: number): number {
  return Math.round(length * 10) / 10;
}
