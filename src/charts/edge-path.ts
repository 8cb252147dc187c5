import type { Point } from "./box.ts";

/** Between two points. */
const SAMPLES = 24;

/**
 * A smooth line through every point, as the `d` of an SVG path: a monotone cubic, level at both ends, so that it never swings
 * past a point.
 *
 * @param points - x only rises, or only falls.
 *
 * Source: Fritsch and Carlson, "Monotone Piecewise Cubic Interpolation", 1980, with the slopes of Steffen, 1990.
 */
export function smoothPath(points: readonly Point[]): string {
  const pieces = piecesThrough(points).map(([, a, b, to]) => `C${text(a)} ${text(b)} ${text(to)}`);
  return points[0] === undefined ? "" : `M${text(points[0])}${pieces.join("")}`;
}

/** @returns points on the line that {@link smoothPath} draws, close enough to measure it. */
export function pointsAlong(points: readonly Point[]): Point[] {
  return piecesThrough(points).flatMap(([from, a, b, to]) =>
    Array.from({ length: SAMPLES + 1 }, (_, sample) => {
      const t = sample / SAMPLES;
      const s = 1 - t;
      const y = s ** 3 * from.y + 3 * s ** 2 * t * a.y + 3 * s * t ** 2 * b.y + t ** 3 * to.y;
      return { x: from.x + (to.x - from.x) * t, y };
    }),
  );
}

type Piece = readonly [from: Point, a: Point, b: Point, to: Point];

/** Between each two points one Bézier curve, its ends and its controls. */
function piecesThrough(points: readonly Point[]): Piece[] {
  const slopes = monotoneSlopes(points);
  return points.slice(1).map((to, index): Piece => {
    const from = points[index] as Point;
    const third = (to.x - from.x) / 3;
    const a = { x: from.x + third, y: from.y + third * (slopes[index] ?? 0) };
    const b = { x: to.x - third, y: to.y - third * (slopes[index + 1] ?? 0) };
    return [from, a, b, to];
  });
}

function monotoneSlopes(points: readonly Point[]): number[] {
  const inner = points.slice(1, -1).map((at, index) => {
    const before = points[index] ?? at;
    const after = points[index + 2] ?? at;
    const left = (at.y - before.y) / (at.x - before.x);
    const right = (after.y - at.y) / (after.x - at.x);
    if (left * right <= 0) return 0;
    const average = (left * (after.x - at.x) + right * (at.x - before.x)) / (after.x - before.x);
    return Math.sign(left) * Math.min(Math.abs(left), Math.abs(right), Math.abs(average) / 2) * 2;
  });
  return [0, ...inner, 0];
}

function text({ x, y }: Point): string {
  return `${Math.round(x * 10) / 10},${Math.round(y * 10) / 10} `.trimEnd();
}
