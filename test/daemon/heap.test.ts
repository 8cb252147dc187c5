import { spawnSync } from "node:child_process";
import { expect, it } from "vitest";

const MODULE = new URL("../../src/daemon/heap.ts", import.meta.url).href;

/** Keeps what it makes for a while, in turns, as a daemon that catches up does. Prints {@link Grown}. */
const PROGRAM = `
  const { boundHeap } = await import("${MODULE}");
  const { getHeapSpaceStatistics } = await import("node:v8");
  const { constants, PerformanceObserver } = await import("node:perf_hooks");
  if (process.argv[1] === "bound") boundHeap();
  let [youngMib, collections] = [0, 0];
  new PerformanceObserver((list) => {
    collections += list.getEntries().filter(({ detail }) => detail.kind === constants.NODE_PERFORMANCE_GC_MAJOR).length;
  }).observe({ entryTypes: ["gc"] });
  const kept = [];
  for (let turn = 0; turn < 1500; turn++) {
    for (let index = 0; index < 3000; index++) kept.push({ turn, list: [index, index], text: "x" + index + turn });
    if (kept.length > 200_000) kept.splice(0, 60_000);
    const { space_size } = getHeapSpaceStatistics().find(({ space_name }) => space_name === "new_space");
    youngMib = Math.max(youngMib, space_size / 2 ** 20);
    await new Promise(setImmediate);
  }
  console.log(JSON.stringify({ youngMib, collections }));
`;

interface Grown {
  /** The most that the young generation had. */
  readonly youngMib: number;
  /** How often garbage was looked for in the old one. */
  readonly collections: number;
}

function grown(mode: "bound" | "free", options = ""): Grown {
  const { stdout } = spawnSync(process.execPath, ["--input-type=module", "-e", PROGRAM, mode], {
    encoding: "utf8",
    env: { ...process.env, NODE_OPTIONS: options },
  });
  return JSON.parse(stdout) as Grown;
}

it("the young generation stays small, where V8 lets it grow to more", () => {
  expect(grown("free").youngMib).toBeGreaterThan(100);
  const { youngMib } = grown("bound");
  expect(youngMib).toBeGreaterThan(6);
  expect(youngMib).toBeLessThan(50);
});

it("garbage in the old generation is looked for more often", () => {
  const young = "--max-semi-space-size=2";
  expect(grown("bound", young).collections).toBeGreaterThan(2 * grown("free", young).collections);
});

it("sizes that somebody has named are let be", () => {
  expect(grown("bound", "--max-semi-space-size=32").youngMib).toBeGreaterThan(40);
});
