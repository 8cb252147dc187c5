import { arrange, type Size } from "./arrange.ts";
import type { Box } from "./box.ts";
import type { GraphEdge, GraphNode, MachineGraph } from "./graph.ts";
import { alignRegions, makeRoom } from "./room.ts";
import { pathAlong, type Route, routeEdges } from "./routes.ts";
import { nestingOf, type Wire, wiresOf } from "./wires.ts";

/** A machine with a place for everything; lengths in px. */
export interface MachineLayout extends Pick<MachineGraph, "description" | "everywhere">, Size {
  readonly nodes: readonly PlacedNode[];
  readonly edges: readonly PlacedEdge[];
}

/** `x` and `y` are the top left corner. */
export interface PlacedNode extends GraphNode, Box {}

export interface PlacedEdge extends GraphEdge {
  /** The `d` of an SVG path from border to border of its states, through the middle of the label. */
  readonly path: string;
  readonly label: Box;
  /** What the label says, a line for each way. */
  readonly lines: readonly string[];
}

/** Width of a character of the page's type, in nodes and in labels: a little more than the widest system font takes. */
const NODE = { character: 8, minWidth: 128, maxWidth: 260, minHeight: 68, padding: 32 };
const LABEL = { character: 6.4, minWidth: 40, maxWidth: 220, padding: 8, line: 15, maxLines: 3 };
const HISTORY: Size = { width: 34, height: 34 };
/** Between two lines that end at the same side of a state. */
const PORT_GAP = 13;
const LOOP_DEPTH = 20;
const MARGIN = 8;

/** Lays a machine out from left to right. Costs tens of milliseconds: once per machine, never per request. */
export function layoutMachine(machine: MachineGraph): MachineLayout {
  const nesting = nestingOf(machine);
  const isLeaf = (id: string) => nesting.leaves.includes(id);
  const loops = machine.edges.filter(({ source, target }) => source === target);
  const depthOf = (id: string) => {
    const loop = loops.find(({ source }) => source === id);
    return loop === undefined ? 0 : LOOP_DEPTH + labelSize(loop).height;
  };
  const wires = wiresOf(machine, nesting);
  const states = machine.nodes.map((node) => [node.id, grow(sizeOf(node, wires), depthOf(node.id))] as const);
  const labels = wires.map(({ hub, edge }) => [hub, labelSize(edge)] as const);
  const drawn = arrange(machine, wires, new Map([...states, ...labels]));
  const shrunk = [...drawn.boxes].map(([id, box]) => [id, isLeaf(id) ? grow(box, -depthOf(id)) : box] as const);
  const groups = machine.nodes.filter(({ id }) => !isLeaf(id));
  const roomy = makeRoom({ ...drawn, boxes: new Map(shrunk) }, new Map(groups.map(({ id }) => [id, depthOf(id)])));
  const boxes = alignRegions(machine, roomy.boxes);
  const routes = routeEdges(wires, { ...roomy, boxes }, nesting.leaves);
  const edges = [
    ...wires.map((wire) =>
      placeEdge(wire.edge, pathAlong(routes.get(wire.hub) as Route, wire), roomy.labels.get(wire.hub) as Box),
    ),
    ...loops.map((edge) => loopBelow(edge, boxes.get(edge.source) as Box)),
  ];
  const nodes = machine.nodes.map((node) => ({ ...node, ...roundBox(boxes.get(node.id) as Box) }));
  const { description, everywhere } = machine;
  return { description, everywhere, nodes, edges, ...frame([...nodes, ...edges.map(({ label }) => label)], routes) };
}

function frame(boxes: readonly Box[], routes: ReadonlyMap<string, Route>): Size {
  const points = [...routes.values()].flatMap((route) => route.points);
  const width = Math.max(0, ...boxes.map((box) => box.x + box.width), ...points.map(({ x }) => x)) + MARGIN;
  const height = Math.max(0, ...boxes.map((box) => box.y + box.height), ...points.map(({ y }) => y)) + MARGIN;
  return { width: Math.ceil(width), height: Math.ceil(height) };
}

/** Makes room below for a loop, or takes it back. */
function grow<Sized extends Size>(size: Sized, byHeight: number): Sized {
  return { ...size, height: size.height + byHeight };
}

function placeEdge(edge: GraphEdge, path: string, label: Box): PlacedEdge {
  return { ...edge, path, label: roundBox(label), lines: linesOf(edge) };
}

/** Below its state, where no other line begins; what it says is below it. */
function loopBelow(edge: GraphEdge, { x, y, width, height }: Box): PlacedEdge {
  const bottom = y + height;
  const size = labelSize(edge);
  const middle = x + width / 2;
  const [right, left] = [round(middle + 26), round(middle - 26)];
  // The lowest point of a cubic is at three quarters of its controls' depth.
  const depth = round(bottom + LOOP_DEPTH / 0.75);
  const path = `M${right},${round(bottom)}C${right + 8},${depth} ${left - 8},${depth} ${left},${round(bottom)}`;
  return placeEdge(edge, path, { ...size, x: middle - size.width / 2, y: bottom + LOOP_DEPTH });
}

function linesOf({ labels }: GraphEdge): string[] {
  const lines = labels.map(({ event, guard }) => [event, guard === null ? "" : `[${guard}]`].filter(Boolean).join(" "));
  const shown = lines.filter((line) => line !== "").slice(0, LABEL.maxLines);
  return lines.length > LABEL.maxLines ? [...shown.slice(0, -1), `and ${lines.length - shown.length + 1} more`] : shown;
}

function sizeOf({ id, name, kind }: GraphNode, wires: readonly Wire[]): Size {
  if (kind === "history") return HISTORY;
  const ports = Math.max(
    wires.filter(({ left }) => left?.id === id).length,
    wires.filter(({ right }) => right?.id === id).length,
  );
  const width = Math.min(NODE.maxWidth, Math.max(NODE.minWidth, name.length * NODE.character + NODE.padding));
  return { width, height: Math.max(NODE.minHeight, (ports + 1) * PORT_GAP) };
}

/** Its line goes through its middle: what it says is above, below how much flows there, and of a delay how many wait; all is below a loop. */
function labelSize(edge: GraphEdge): Size {
  const lines = linesOf(edge);
  const below = edge.labels.some(({ isDelay }) => isDelay) ? 2 : 1;
  const rows = edge.source === edge.target ? lines.length + below : 2 * Math.max(lines.length, below);
  const longest = Math.max(0, ...lines.map((line) => line.length));
  const width = Math.min(LABEL.maxWidth, Math.max(LABEL.minWidth, longest * LABEL.character + LABEL.padding));
  return { width, height: rows * LABEL.line };
}

function roundBox({ x, y, width, height }: Box): Box {
  return { x: round(x), y: round(y), width: round(width), height: round(height) };
}

function round(length: number): number {
  return Math.round(length * 10) / 10;
}
