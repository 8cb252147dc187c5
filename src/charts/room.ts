import type { Arranged } from "./arrange.ts";
import { type Box, middleOf, overlaps } from "./box.ts";
import type { MachineGraph } from "./graph.ts";

/** Below the upper border of a state with states in it, for its name. */
const HEAD = 28;

/**
 * Moves everything apart so that each state with states in it has room for its name, and below it for a loop. What lay
 * beside or above something else still does: whatever is further down moves by at least as much.
 *
 * @param groups - those states, by id; `below` is the height of the loop, 0 without one.
 */
export function makeRoom({ boxes, labels, lines }: Arranged, groups: ReadonlyMap<string, number>): Arranged {
  const sides = [...groups].map(([id, below]) => {
    const { y, height } = boxes.get(id) as Box;
    return { top: y, bottom: y + height, below };
  });
  const tops = [...new Set(sides.map(({ top }) => top))];
  const moved = (y: number) =>
    y +
    HEAD * tops.filter((top) => top < y).length +
    sides.reduce((sum, { bottom, below }) => sum + (bottom < y ? below : 0), 0);
  const moveBox = (box: Box): Box => ({ ...box, y: moved(middleOf(box).y) - box.height / 2 });
  const stretch = (box: Box): Box => {
    const y = moved(box.y);
    return { ...box, y, height: moved(box.y + box.height) - y };
  };
  return {
    boxes: new Map([...boxes].map(([id, box]) => [id, groups.has(id) ? stretch(box) : moveBox(box)])),
    labels: new Map([...labels].map(([hub, box]) => [hub, moveBox(box)])),
    lines: new Map([...lines].map(([hub, line]) => [hub, line.map(({ x, y }) => ({ x, y: moved(y) }))])),
  };
}

/**
 * Parallel states that lie below each other are made equally wide, but those without states in them to which lines are led:
 * such a one lies in one column with its labels beside it, and would reach into others.
 */
export function alignRegions({ nodes, edges }: MachineGraph, boxes: ReadonlyMap<string, Box>): Map<string, Box> {
  const aligned = new Map(boxes);
  const hasLine = (id: string) =>
    edges.some(({ source, target }) => source !== target && [source, target].includes(id));
  const isKept = (id: string) => hasLine(id) && !nodes.some(({ parent }) => parent === id);
  const regions = Map.groupBy(
    nodes.filter(({ isRegion }) => isRegion),
    ({ parent }) => parent,
  );
  // From the innermost on, as they come after those they are in.
  for (const [parent, together] of [...regions].reverse()) {
    const places = together.map(({ id }) => aligned.get(id) as Box);
    const x = Math.min(...places.map((place) => place.x));
    const right = Math.max(...places.map((place) => place.x + place.width));
    const wide = together
      .filter(({ id }) => !isKept(id))
      .map(({ id }) => [id, { ...(aligned.get(id) as Box), x, width: right - x }] as const);
    const others = nodes.filter((node) => node.parent === parent && (!node.isRegion || isKept(node.id)));
    const all = [...wide.map(([, box]) => box), ...others.map(({ id }) => aligned.get(id) as Box)];
    const isFree = all.every((box, index) => all.slice(index + 1).every((other) => !overlaps(box, other)));
    if (isFree) for (const [id, box] of wide) aligned.set(id, box);
  }
  return aligned;
}
