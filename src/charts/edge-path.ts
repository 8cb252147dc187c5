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
  const [first, ...rest] = points;
  if (first === undefined) return "";
  const slopes = monotoneSlopes(points);
  const parts = rest.map((to, index) => {
    const from = points[index] ?? first;
    const [a, b] = slopeControls(from, to, slopes[index] ?? 0, slopes[index + 1] ?? 0);
    return `C${text(a)} ${text(b)} ${text(to)}`;
  });
  return `M${text(first)}${parts.join("")}`;
}

/** @returns points on the line that {@link smoothPath} draws, close enough to measure it. */
export function pointsAlong(points: readonly Point[]): Point[] {
  const slopes = monotoneSlopes(points);
  return points.slice(1).flatMap((to, index) => {
    const from = points[index] as Point;
    const width = to.x - from.x;
    const [start, end] = [(slopes[index] ?? 0) * width, (slopes[index + 1] ?? 0) * width];
    return Array.from({ length: SAMPLES + 1 }, (_, sample) => {
      const t = sample / SAMPLES;
      // The Hermite form of the same cubic.
      const y =
        (1 + 2 * t) * (1 - t) ** 2 * from.y +
        t * (1 - t) ** 2 * start +
        t ** 2 * (3 - 2 * t) * to.y +
        t ** 2 * (t - 1) * end;
      return { x: from.x + width * t, y };
    });
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

function slopeControls(from: Point, to: Point, slopeFrom: number, slopeTo: number): [Point, Point] {
  const third = (to.x - from.x) / 3;
  return [
    { x: from.x + third, y: from.y + third * slopeFrom },
    { x: to.x - third, y: to.y - third * slopeTo },
  ];
}

function text({ x, y }: Point): string {
  return `${Math.round(x * 10) / 10},${Math.round(y * 10) / 10} `.trimEnd();
}
