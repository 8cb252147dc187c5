import type { Point } from "./box.ts";

/**
 * A smooth line through every point, as the `d` of an SVG path: a monotone cubic, level at both ends, so that it never swings
 * past a point.
 *
 * @param points - x only rises, or only falls.
 *
 * Source: Fritsch and Carlson, "Monotone Piecewise Cubic Interpolation", 1980, with the slopes of Steffen, 1990.
 */
export function smoothPath(points: readonly Point[]): string {
  const slopes = monotoneSlopes(points);
  return points.reduce((path, to, index) => {
    const from = points[index - 1];
    if (from === undefined) return `M${text(to)}`;
    const third = (to.x - from.x) / 3;
    const a = { x: from.x + third, y: from.y + third * (slopes[index - 1] ?? 0) };
    const b = { x: to.x - third, y: to.y - third * (slopes[index] ?? 0) };
    return `${path}C${text(a)} ${text(b)} ${text(to)}`;
  }, "");
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
  return `${Math.round(x * 10) / 10},${Math.round(y * 10) / 10}`;
}
