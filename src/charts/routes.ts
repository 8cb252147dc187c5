import type { Arranged } from "./arrange.ts";
import { type Box, boxOver, exitOf, middleOf, overlaps, type Point } from "./box.ts";
import { smoothPath } from "./edge-path.ts";
import type { Wire, WireEnd } from "./wires.ts";

/** Between the end of a line's smooth part and where it goes on straight. */
const CLEARANCE = 8;
/** Points that are closer are one. */
const LEAST = 0.5;

/** Where an edge goes: smoothly through its points, and from its first or to its last one straight to a border. */
export interface Route {
  readonly points: readonly Point[];
  readonly border?: Point;
}

/** What is arranged, and the states without states in them, which no edge may cross. */
interface Ground extends Arranged {
  readonly leaves: readonly Box[];
}

/**
 * Leads every edge from border to border of the states it belongs to, through its label and between all others: level
 * across each column, and from one to the next where there is nothing.
 *
 * @param leaves - ids of the states without states in them.
 * @returns where each goes, by hub.
 */
export function routeEdges(wires: readonly Wire[], arranged: Arranged, leaves: readonly string[]): Map<string, Route> {
  const ground = { ...arranged, leaves: leaves.map((leaf) => arranged.boxes.get(leaf) as Box) };
  const ports = { left: portsOf("left", wires, ground), right: portsOf("right", wires, ground) };
  return new Map(wires.map((wire) => [wire.hub, routeOf(wire, ground, ports)]));
}

/** @returns the `d` of an SVG path in the direction of its arrow. */
export function pathAlong({ points, border }: Route, { left, isBackward }: Wire): string {
  const path = smoothPath(isBackward ? points.toReversed() : points);
  if (border === undefined) return path;
  return left === null ? `M${border.x},${border.y}L${path.slice(1)}` : `${path}L${border.x},${border.y}`;
}

function routeOf(wire: Wire, ground: Ground, ports: Ports): Route {
  const { left, right, within } = wire;
  const cut = (end: WireEnd | null, line: readonly Point[]) =>
    end === null || end.id === end.leaf ? line : cutAt(ground.boxes.get(end.id) as Box, line);
  const line = rising(cut(right, cut(left, passedBy(wire, ground, ports)).toReversed()).toReversed());
  if (left !== null && right !== null) return { points: line };
  const outer = ground.boxes.get(within ?? "") as Box;
  const isFromBorder = left === null;
  const { bend, border } = reachBorder(outer, line.at(isFromBorder ? 0 : -1) as Point, isFromBorder ? -1 : 1, ground);
  return { points: isFromBorder ? [bend, ...line] : [...line, bend], border };
}

/** The points at which a line enters and leaves each column, from the border of a leaf to that of another. */
function passedBy({ hub, left, right }: Wire, { boxes, labels, lines, leaves }: Ground, ports: Ports): Point[] {
  const columnAt = (x: number) => {
    const column = [...leaves, ...labels.values()].filter((box) => Math.abs(middleOf(box).x - x) < 1);
    return Math.max(0, ...column.map(({ width }) => width / 2));
  };
  const across = (x: number, y: number, [from, to] = [-columnAt(x), columnAt(x)]) => [
    { x: x + from, y },
    { x: x + to, y },
  ];
  const endAt = (end: WireEnd | null, side: keyof Ports) => {
    if (end === null) return [];
    const box = boxes.get(end.leaf) as Box;
    const { x, y } = middleOf(box);
    const reach: [number, number] = side === "left" ? [box.width / 2, columnAt(x)] : [-columnAt(x), -box.width / 2];
    return across(x, ports[side].get(hub) ?? y, reach);
  };
  const between = (lines.get(hub) ?? []).flatMap(({ x, y }) => across(x, y));
  return [...endAt(left, "left"), ...between, ...endAt(right, "right")];
}

/** How far down lines end at states without states in them, by hub. */
type Ports = Readonly<Record<"left" | "right", ReadonlyMap<string, number>>>;

/** Lines leave a state on its right and reach the next on its left, spread evenly, in the order in which they go on. */
function portsOf(side: keyof Ports, wires: readonly Wire[], { boxes, lines }: Ground): Map<string, number> {
  const ends = wires.filter((wire) => wire[side] !== null && wire[side].id === wire[side].leaf);
  const next = ({ hub }: Wire) => lines.get(hub)?.at(side === "left" ? 0 : -1)?.y ?? 0;
  const byState = Map.groupBy(ends, (wire) => (wire[side] as WireEnd).id);
  const ports = [...byState].flatMap(([id, there]) => {
    const { y, height } = boxes.get(id) as Box;
    return there
      .toSorted((a, b) => next(a) - next(b))
      .map(({ hub }, index) => [hub, y + (height * (index + 1)) / (there.length + 1)] as const);
  });
  return new Map(ports);
}

/** Leaves out what does not lie further to the right than what comes before; the first and the last stay. */
function rising(points: readonly Point[]): Point[] {
  const last = points.at(-1) as Point;
  const kept: Point[] = [];
  for (const point of points) {
    if (point.x > (kept.at(-1)?.x ?? Number.NEGATIVE_INFINITY) + LEAST && point.x < last.x - LEAST) kept.push(point);
  }
  return [...kept, last];
}

/** Begins a line that comes out of a state at its border. */
function cutAt(box: Box, points: readonly Point[]): readonly Point[] {
  const first = points.findIndex((point) => !overlaps(box, boxOver([point])));
  if (first <= 0) return points;
  return [exitOf(box, points[first - 1] as Point, points[first] as Point), ...points.slice(first)];
}

/**
 * The way from inside a state to its border: level to its side, or beside the column straight to its top or bottom, where
 * no state is in the way.
 *
 * @param direction - of the side: -1 left, 1 right.
 */
function reachBorder(outer: Box, point: Point, direction: -1 | 1, { leaves }: Ground) {
  const bend = { x: point.x + direction * CLEARANCE, y: point.y };
  const side = { x: direction < 0 ? outer.x : outer.x + outer.width, y: point.y };
  const upright = [outer.y, outer.y + outer.height]
    .map((y) => ({ x: bend.x, y }))
    .sort((a, b) => Math.abs(a.y - point.y) - Math.abs(b.y - point.y));
  const isFree = (border: Point) => !leaves.some((leaf) => overlaps(leaf, boxOver([bend, border])));
  return { bend, border: [side, ...upright].find(isFree) ?? side };
}
