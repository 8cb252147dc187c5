/** A place in a drawing, px. */
export interface Point {
  readonly x: number;
  readonly y: number;
}

/** A rectangle in a drawing, px; `x` and `y` are its top left corner. */
export interface Box extends Point {
  readonly width: number;
  readonly height: number;
}

/** @returns the box whose middle is given, as layout programs do. */
export function boxAround({ x, y, width, height }: Box): Box {
  return { x: x - width / 2, y: y - height / 2, width, height };
}

export function middleOf({ x, y, width, height }: Box): Point {
  return { x: x + width / 2, y: y + height / 2 };
}

/** Is more than their borders at the same place? A box may be a line, level or upright, or a point. */
export function overlaps(a: Box, b: Box): boolean {
  return a.x < b.x + b.width && b.x < a.x + a.width && a.y < b.y + b.height && b.y < a.y + a.height;
}

/** @returns the smallest box around all of them; a point is one without width and height. */
export function boxOver(boxes: readonly (Point & Partial<Box>)[]): Box {
  const [x, y] = [Math.min(...boxes.map((box) => box.x)), Math.min(...boxes.map((box) => box.y))];
  const right = Math.max(...boxes.map((box) => box.x + (box.width ?? 0)));
  const bottom = Math.max(...boxes.map((box) => box.y + (box.height ?? 0)));
  return { x, y, width: right - x, height: bottom - y };
}

/** @returns where a straight line from inside a box leaves it. */
export function exitOf({ x, y, width, height }: Box, inside: Point, outside: Point): Point {
  const [dx, dy] = [outside.x - inside.x, outside.y - inside.y];
  const ways = [
    dx > 0 ? (x + width - inside.x) / dx : dx < 0 ? (x - inside.x) / dx : 1,
    dy > 0 ? (y + height - inside.y) / dy : dy < 0 ? (y - inside.y) / dy : 1,
  ];
  const part = Math.min(...ways);
  return { x: inside.x + dx * part, y: inside.y + dy * part };
}
