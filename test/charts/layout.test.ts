import { describe, expect, it } from "vitest";
import { createMachine } from "xstate";
import { orderMachine } from "../../machines/order/machine.ts";
import { graphOf } from "../../src/charts/graph.ts";
import { layoutMachine, type PlacedNode } from "../../src/charts/layout.ts";

/** Everything a statechart may have: nested and parallel states, history, final states, delays, loops, root events. */
const everything = createMachine({
  id: "parcel",
  initial: "idle",
  on: { RESET: { target: ".idle", guard: "mayReset" }, NOTE: { actions: "note" } },
  states: {
    idle: { on: { START: "travelling", PING: { target: "idle", reenter: true } } },
    travelling: {
      type: "parallel",
      on: { STOP: "stopped", LOG: { actions: "log" } },
      states: {
        place: { initial: "depot", states: { depot: { on: { LEAVE: "road" } }, road: { after: { 1000: "depot" } } } },
        seal: { initial: "closed", states: { closed: { on: { OPEN: "opened" } }, opened: { type: "final" } } },
      },
    },
    stopped: {
      always: [
        { guard: "isLost", target: "lost" },
        { guard: "isStolen", target: "lost" },
      ],
      initial: "fresh",
      states: { fresh: {}, again: { type: "history" } },
      on: { RESUME: "travelling" },
    },
    lost: { type: "final" },
  },
});

describe("the order machine", () => {
  const graph = graphOf(orderMachine);

  it("has each of its states, and each transition between two of them once", () => {
    expect(graph.nodes.map(({ id }) => id)).toEqual(["pending", "processing", "payment_failed", "confirmed"]);
    const pairs = graph.edges.map(({ source, target }) => `${source}>${target}`);
    expect(new Set(pairs).size).toBe(pairs.length);
    expect(pairs).toContain("confirmed>payment_failed");
    expect(graph.everywhere.map(({ event }) => event)).toContain("OrderCreated");
  });

  it("reads from left to right, nothing lies on anything or leaves the drawing", () => {
    const { nodes, edges, width, height } = layoutMachine(graph);
    expect(nodes.map(({ x }) => x)).toEqual(nodes.map(({ x }) => x).toSorted((a, b) => a - b));
    for (const [index, node] of nodes.entries()) {
      for (const other of nodes.slice(index + 1)) expect(overlap(node, other), `${node.id}, ${other.id}`).toBe(false);
      for (const { label } of edges) expect(overlap(node, label), node.id).toBe(false);
    }
    for (const box of [...nodes, ...edges.map(({ label }) => label)]) {
      expect(box.x).toBeGreaterThanOrEqual(0);
      expect(box.y).toBeGreaterThanOrEqual(0);
      expect(box.x + box.width).toBeLessThanOrEqual(width);
      expect(box.y + box.height).toBeLessThanOrEqual(height);
    }
  });

  it("is the same every time", () => {
    expect(layoutMachine(graph)).toEqual(layoutMachine(graphOf(orderMachine)));
  });
});

describe("a machine with everything", () => {
  const graph = graphOf(everything);
  const layout = layoutMachine(graph);
  const place = (id: string) => layout.nodes.find((node) => node.id === id) as PlacedNode;

  it("has its nested states under their parents, and inside them", () => {
    expect(place("travelling.place.depot")).toMatchObject({
      parent: "travelling.place",
      name: "depot",
      isInitial: true,
    });
    for (const node of layout.nodes)
      if (node.parent !== null) expect(contains(place(node.parent), node), node.id).toBe(true);
    expect(layout.nodes.map(({ kind }) => kind)).toEqual(
      expect.arrayContaining(["atomic", "compound", "parallel", "final", "history"]),
    );
  });

  it("has a path for each transition, those without an event, after a delay and onto itself too", () => {
    expect(layout.edges.length).toBeGreaterThan(5);
    for (const { path, source, target } of layout.edges) expect(path, `${source}>${target}`).toMatch(/^M[\d.,-]+.*C/);
    const lines = Object.fromEntries(layout.edges.map((edge) => [`${edge.source}>${edge.target}`, edge.lines]));
    expect(lines["idle>idle"]).toEqual(["PING"]);
    expect(lines["travelling.place.road>travelling.place.depot"]).toEqual(["after 1 s"]);
    expect(lines["stopped>lost"]).toEqual(["[isLost]", "[isStolen]"]);
    expect(JSON.stringify(layout)).not.toContain("null,null");
    expect(JSON.stringify(layout)).not.toContain("NaN");
  });

  it("says what is taken everywhere, and what within a state", () => {
    expect(graph.everywhere).toEqual([
      { event: "RESET", isDelay: false, guard: "mayReset", description: null, targets: ["idle"] },
      { event: "NOTE", isDelay: false, guard: null, description: null, targets: [] },
    ]);
    expect(place("travelling").internal).toEqual([
      { event: "LOG", isDelay: false, guard: null, description: null, targets: [] },
    ]);
  });
});

interface Box {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

function overlap(a: Box, b: Box): boolean {
  return a.x < b.x + b.width && b.x < a.x + a.width && a.y < b.y + b.height && b.y < a.y + a.height;
}

function contains(outer: Box, inner: Box): boolean {
  return (
    outer.x <= inner.x &&
    outer.y <= inner.y &&
    outer.x + outer.width >= inner.x + inner.width &&
    outer.y + outer.height >= inner.y + inner.height
  );
}

it("states may be called as anything that every object has", () => {
  const names = ["constructor", "toString", "edge 0", "edge · 1", "hasOwnProperty", "42"];
  const inner = { initial: "valueOf", states: { valueOf: { on: { Go: "length" } }, length: {} } };
  const states = Object.fromEntries(
    names.map((name, index) => [name, { ...inner, on: { Next: names[index + 1] ?? "constructor" } }]),
  );
  const { nodes, edges } = layoutMachine(graphOf(createMachine({ initial: "toString", states })));
  expect(nodes).toHaveLength(3 * names.length);
  expect(edges).toHaveLength(2 * names.length);
  for (const { x, y, width, height } of nodes) expect([x, y, width, height].every(Number.isFinite)).toBe(true);
});
