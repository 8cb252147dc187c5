import type { Arranged } from "./arrange.ts";
import { type Box, crosses, exitOf, isInside, middleOf, type Point } from "./box.ts";
import { pointsAlong, smoothPath } from "./edge-path.ts";
import type { Wire, WireEnd } from "./wires.ts";

/** Between a line and what it goes round. */
const CLEARANCE = 8;
/** Points that are closer are one. */
const LEAST = 0.5;

/** Where an edge goes: smoothly through its points, after and before a straight piece from or to a border. */
export interface Route {
  readonly from?: Point;
  readonly points: readonly Point[];
  readonly to?: Point;
}

/** What is arranged, and the states without states in them, which no edge may cross. */
interface Ground extends Arranged {
  readonly leaves: readonly Box[];
}

/**
 * Leads every edge from border to border of the states it belongs to, through its label and between all others.
 *
 * @param leaves - ids of the states without states in them.
 * @returns where each goes, by hub.
 */
export function routeEdges(wires: readonly Wire[], arranged: Arranged, leaves: readonly string[]): Map<string, Route> {
  const ground = { ...arranged, leaves: leaves.map((leaf) => arranged.boxes.get(leaf) as Box) };
  const ports = portsOf(wires, ground);
  return new Map(
    wires.map((wire) => {
      const gentle = routeOf(wire, ground, stationsOf(wire, ground, ports));
      const route = isClear(gentle, wire, ground)
        ? gentle
        : routeOf(
            wire,
            ground,
            stationsOf(wire, ground, ports).map((station) => acrossColumn(station, ground)),
          );
      return [wire.hub, route];
    }),
  );
}

/** Does it keep clear of every state and of the labels of others? */
function isClear({ points }: Route, { hub }: Wire, { leaves, labels }: Ground): boolean {
  const others = [...labels].filter(([other]) => other !== hub).map(([, box]) => box);
  return pointsAlong(points).every((point) => ![...leaves, ...others].some((box) => isInside(box, point)));
}

/**
 * @param isBackward - does its arrow point to the left?
 * @returns the `d` of an SVG path in the direction of its arrow.
 */
export function pathAlong({ from, points, to }: Route, isBackward: boolean): string {
  const path = smoothPath(isBackward ? points.toReversed() : points);
  const start = from === undefined ? path : `M${from.x},${from.y}L${path.slice(1)}`;
  return to === undefined ? start : `${start}L${to.x},${to.y}`;
}

function routeOf({ left, right, within }: Wire, ground: Ground, stations: readonly Station[]): Route {
  const ends = [...(left === null ? [] : [0]), ...(right === null ? [] : [stations.length - 1])];
  const passed = stations.flatMap(({ x, y, half, column }, index) => {
    if (!ends.includes(index)) return [x - column, x + column].map((at) => ({ x: at, y }));
    return (index === 0 ? [x + half, x + column] : [x - column, x - half]).map((at) => ({ x: at, y }));
  });
  const cut = (end: WireEnd | null, line: readonly Point[]) =>
    end === null || end.id === end.leaf ? line : cutAt(ground.boxes.get(end.id) as Box, line);
  const points = cut(right, cut(left, rising(passed)).toReversed()).toReversed();
  const outer = ground.boxes.get(within ?? "");
  if (left === null && outer !== undefined) {
    const from = reachBorder(outer, points[0] as Point, -1, ground);
    return from.isLevel ? { points: [from.border, ...points] } : { from: from.border, points: [from.bend, ...points] };
  }
  if (right === null && outer !== undefined) {
    const to = reachBorder(outer, points.at(-1) as Point, 1, ground);
    return to.isLevel ? { points: [...points, to.border] } : { points: [...points, to.bend], to: to.border };
  }
  return { points };
}

/** A place that a line passes level: a state it ends at, a gap, its label. */
interface Station extends Point {
  /** Half the width of what is there. */
  readonly half: number;
  /** So far to each side it is level. */
  readonly column: number;
}

function stationsOf({ hub, left, right }: Wire, { boxes, labels, lines }: Ground, ports: Ports): Station[] {
  const [before, after] = lines.get(hub) ?? [[], []];
  const gap = (point: Point): Station => ({ ...point, half: 0, column: 0 });
  const box = (place: Box, port?: number): Station => {
    const { x, y } = middleOf(place);
    return { x, y: port ?? y, half: place.width / 2, column: place.width / 2 };
  };
  return [
    ...(left === null ? [] : [box(boxes.get(left.leaf) as Box, ports.left.get(hub))]),
    ...before.map(gap),
    box(labels.get(hub) as Box),
    ...after.map(gap),
    ...(right === null ? [] : [box(boxes.get(right.leaf) as Box, ports.right.get(hub))]),
  ];
}

/** As far as what else stands in its column reaches, so that it goes between that. */
function acrossColumn(station: Station, { leaves, labels }: Ground): Station {
  const column = [...leaves, ...labels.values()]
    .filter((box) => Math.abs(middleOf(box).x - station.x) < 1)
    .map(({ width }) => width / 2);
  return { ...station, column: Math.max(station.column, ...column) };
}

/** How far down lines end at states without states in them, by hub. */
interface Ports {
  readonly left: ReadonlyMap<string, number>;
  readonly right: ReadonlyMap<string, number>;
}

/** Lines leave a state on its right and reach the next on its left, spread evenly, in the order in which they go on. */
function portsOf(wires: readonly Wire[], { boxes, lines, labels }: Ground): Ports {
  const spread = (side: "left" | "right") => {
    const ends = wires.filter((wire) => wire[side] !== null && wire[side].id === wire[side].leaf);
    const next = ({ hub }: Wire) => {
      const [before, after] = lines.get(hub) ?? [[], []];
      return ((side === "left" ? before[0] : after.at(-1)) ?? middleOf(labels.get(hub) as Box)).y;
    };
    const byState = Map.groupBy(ends, (wire) => (wire[side] as WireEnd).id);
    return [...byState].flatMap(([id, there]) => {
      const { y, height } = boxes.get(id) as Box;
      return there
        .toSorted((a, b) => next(a) - next(b))
        .map(({ hub }, index) => [hub, y + (height * (index + 1)) / (there.length + 1)] as const);
    });
  };
  return { left: new Map(spread("left")), right: new Map(spread("right")) };
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

/** Begins a line that comes out of a state at its border: at its side, or where its end lies above or below it there. */
function cutAt(box: Box, points: readonly Point[]): readonly Point[] {
  const end = points.at(-1) as Point;
  const isRightward = end.x > (points[0] as Point).x;
  const side = isRightward ? box.x + box.width : box.x;
  const isBeyond = ({ x }: Point) => (isRightward ? x > side + LEAST : x < side - LEAST);
  if (isBeyond(end)) {
    const first = points.findIndex(isBeyond);
    const [inside, outside] = [points[first - 1] as Point, points[first] as Point];
    const y = inside.y + ((outside.y - inside.y) * (side - inside.x)) / (outside.x - inside.x);
    const within = Math.min(Math.max(y, box.y + CLEARANCE), box.y + box.height - CLEARANCE);
    return [{ x: side, y: within }, ...points.slice(first)];
  }
  const first = points.findIndex((point, index) => index > 0 && !isInside(box, point));
  if (first < 0) return points;
  return [exitOf(box, points[first - 1] as Point, points[first] as Point), ...points.slice(first)];
}

/**
 * The way from inside a state to its border: level to its side, or beside the column straight to its top or bottom, where
 * no state is in the way.
 *
 * @param direction - of the side: -1 left, 1 right.
 */
function reachBorder(outer: Box, point: Point, direction: -1 | 1, { leaves }: Ground) {
  const level = { x: direction < 0 ? outer.x : outer.x + outer.width, y: point.y };
  const isFree = (from: Point, to: Point) => !leaves.some((leaf) => crosses(leaf, from, to));
  const bend = { x: point.x + direction * CLEARANCE, y: point.y };
  const upright = [outer.y, outer.y + outer.height]
    .map((y) => ({ x: bend.x, y }))
    .sort((a, b) => Math.abs(a.y - point.y) - Math.abs(b.y - point.y))
    .find((border) => isFree(bend, border));
  return isFree(point, level) || upright === undefined
    ? { isLevel: true as const, border: level, bend }
    : { isLevel: false as const, border: upright, bend };
}
