import { describe, expect, it } from "vitest";
import { type AnyStateMachine, createMachine } from "xstate";
import type { Box, Point } from "../../src/charts/box.ts";
import { graphOf } from "../../src/charts/graph.ts";
import { layoutMachine, type PlacedNode } from "../../src/charts/layout.ts";
import { pointsOf } from "./path.ts";

/** Nested states with edges into them, out of them and across, to themselves, to what they are in and to what is in them. */
const claim = createMachine({
  id: "claim",
  initial: "reported",
  states: {
    reported: { on: { Checked: [{ guard: "isCovered", target: "review" }, { target: "rejected" }] } },
    review: {
      initial: "documents",
      on: { Suspected: ".investigation", Asked: "waiting", Reopened: { target: "review", reenter: true } },
      states: {
        documents: { on: { Received: "assessment" } },
        assessment: { on: { Assessed: ["approved", "investigation"].map((target) => ({ target, guard: target })) } },
        investigation: {
          initial: "open",
          states: { open: { on: { Proven: "#claim.rejected", Restarted: "#claim.review" } }, closed: {} },
          on: { Cleared: "assessment" },
        },
        approved: { type: "final" },
        back: { type: "history", history: "deep" },
      },
      onDone: "paid",
    },
    waiting: { on: { Answered: "review.back" }, after: { 2592000000: "rejected" } },
    paid: { type: "final" },
    rejected: { type: "final" },
  },
});

/** Parallel states, at the root and within, and an edge from one into another. */
const device = createMachine({
  id: "device",
  type: "parallel",
  states: {
    link: {
      initial: "online",
      states: {
        online: { after: { 90000: "lost" }, on: { Beat: { target: "online", reenter: true } } },
        lost: { on: { Beat: "online" } },
      },
    },
    alarm: {
      initial: "clear",
      states: {
        clear: { on: { Hot: "raised" } },
        raised: {
          type: "parallel",
          on: { Cool: "clear", Reset: "#device.link" },
          states: {
            seen: { initial: "no", states: { no: { on: { Looked: "yes" } }, yes: {} } },
            level: {
              initial: "one",
              states: { one: { on: { Hot: "two" } }, two: { always: { guard: "isOff", target: "one" } } },
            },
          },
        },
      },
    },
  },
});

/** A parallel state without states in it, beside one that is wide, with edges out of it, into it and to what it is in. */
const shelf = createMachine({
  id: "shelf",
  initial: "shut",
  states: {
    shut: { on: { Opened: "open", Lit: "open.lamp" } },
    open: {
      type: "parallel",
      states: {
        lamp: { on: { Burnt: "#shelf.shut", Checked: "#shelf.open" } },
        door: {
          initial: "ajar",
          states: {
            ajar: { on: { Pushed: "wide" } },
            wide: { on: { Pulled: "moved" } },
            moved: { on: { Back: "ajar", Stuck: "#shelf.open.lamp" } },
          },
        },
      },
    },
  },
});

describe.each<[string, AnyStateMachine]>([
  ["nested states", claim],
  ["parallel states", device],
  ["a parallel state without states in it", shelf],
])("a chart of %s", (_what, machine) => {
  const { nodes, edges, width, height } = layoutMachine(graphOf(machine));
  const placeOf = (id: string) => nodes.find((node) => node.id === id) as PlacedNode;
  const leaves = nodes.filter(({ id }) => !nodes.some(({ parent }) => parent === id));

  it("has edges that begin and end at the border of the state they belong to", () => {
    expect(edges.length).toBeGreaterThan(6);
    for (const { source, target, path } of edges) {
      const points = pointsOf(path);
      expect(distanceToBorder(placeOf(source), points[0] as Point), `${source} > ${target} begins`).toBeLessThan(1);
      expect(distanceToBorder(placeOf(target), points.at(-1) as Point), `${source} > ${target} ends`).toBeLessThan(1);
    }
  });

  it("has no edge or label on a state without states in it, nor outside of the drawing", () => {
    for (const { source, target, path, label } of edges) {
      for (const leaf of leaves) {
        const under = pointsOf(path).filter((point) => isWellInside(leaf, point));
        expect(under, `${source} > ${target} under ${leaf.id}`).toEqual([]);
        expect(overlap(leaf, label), `${source} > ${target} on ${leaf.id}`).toBe(false);
      }
      for (const { x, y } of pointsOf(path)) {
        expect(Math.min(x, y, width - x, height - y), `${source} > ${target}`).toBeGreaterThanOrEqual(0);
      }
    }
  });

  it("has each state in the one it is in, below its name, and none on another", () => {
    for (const node of nodes) {
      if (node.parent === null) continue;
      const { x, y, width, height } = placeOf(node.parent);
      expect(node.y, node.id).toBeGreaterThan(y + 26);
      expect([node.x >= x, node.x + node.width <= x + width, node.y + node.height <= y + height], node.id).toEqual([
        true,
        true,
        true,
      ]);
    }
    for (const [index, node] of nodes.entries()) {
      for (const other of nodes.slice(index + 1)) {
        const isWithin = other.id.startsWith(`${node.id}.`);
        if (!isWithin) expect(overlap(node, other), `${node.id} on ${other.id}`).toBe(false);
      }
    }
  });
});

it("what leads to a state is on its left, and what it leads to on its right", () => {
  const { nodes } = layoutMachine(graphOf(claim));
  const [reported, review, waiting] = ["reported", "review", "waiting"].map((id) =>
    nodes.find((node) => node.id === id),
  );
  expect([reported, review, waiting].map((node) => node?.x)).toEqual(
    [reported, review, waiting].map((node) => node?.x ?? 0).toSorted((a, b) => a - b),
  );
  expect((reported?.x ?? 0) + (reported?.width ?? 0)).toBeLessThan(review?.x ?? 0);
});

it("parallel states are regions of equal width", () => {
  const { nodes } = layoutMachine(graphOf(device));
  const regions = nodes.filter(({ isRegion }) => isRegion);
  expect(regions.map(({ id }) => id)).toEqual(["link", "alarm", "alarm.raised.seen", "alarm.raised.level"]);
  const [link, alarm, seen, level] = regions.map(({ x, width }) => ({ x, width }));
  expect([link, seen]).toEqual([alarm, level]);
});

function distanceToBorder({ x, y, width, height }: Box, point: Point): number {
  const [dx, dy] = [Math.max(x - point.x, point.x - x - width), Math.max(y - point.y, point.y - y - height)];
  return dx <= 0 && dy <= 0 ? Math.min(-dx, -dy) : Math.hypot(Math.max(dx, 0), Math.max(dy, 0));
}

function isWellInside({ x, y, width, height }: Box, point: Point): boolean {
  return point.x > x + 1 && point.x < x + width - 1 && point.y > y + 1 && point.y < y + height - 1;
}

function overlap(a: Box, b: Box): boolean {
  return a.x < b.x + b.width && b.x < a.x + a.width && a.y < b.y + b.height && b.y < a.y + a.height;
}
