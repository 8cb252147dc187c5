import type { Point } from "../../src/charts/box.ts";

/** Between two points of a path. */
const SAMPLES = 20;

/** @returns points along an SVG path of absolute M, L and C commands, its ends first and last. */
export function pointsOf(path: string): Point[] {
  const points: Point[] = [];
  for (const [, command = "", numbers = ""] of path.matchAll(/([MLC])([^MLC]*)/g)) {
    const values = (numbers.match(/-?[\d.]+/g) ?? []).map(Number);
    const given = values.flatMap((x, index) => (index % 2 === 0 ? [{ x, y: values[index + 1] ?? Number.NaN }] : []));
    const from = points.at(-1);
    if (command === "M" || from === undefined) points.push(...given);
    else if (command === "L") points.push(...along((t) => between(from, given[0] as Point, t)));
    else points.push(...along((t) => cubic([from, ...given] as [Point, Point, Point, Point], t)));
  }
  return points;
}

function along(at: (t: number) => Point): Point[] {
  return Array.from({ length: SAMPLES }, (_, index) => at((index + 1) / SAMPLES));
}

/** De Casteljau's. */
function cubic([a, b, c, d]: [Point, Point, Point, Point], t: number): Point {
  const [ab, bc, cd] = [between(a, b, t), between(b, c, t), between(c, d, t)];
  return between(between(ab, bc, t), between(bc, cd, t), t);
}

function between(a: Point, b: Point, t: number): Point {
  return { x: a.x + (b.x - a.x) * t, y: a.y + (b.y - a.y) * t };
}
