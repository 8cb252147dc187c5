import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { directoriesOf, markLeft, surplusDirectories, unmarkLeft } from "../../src/supervisor/directories.ts";
import { shareOfMemory } from "../../src/supervisor/share-of-memory.ts";

let data = "";
beforeEach(() => {
  data = mkdtempSync(join(tmpdir(), "natstate-directories-"));
});
afterEach(() => rmSync(data, { recursive: true }));

function useStores(...daemons: number[]): void {
  for (const daemon of daemons) {
    mkdirSync(join(data, "daemons", String(daemon)), { recursive: true });
    writeFileSync(join(data, "daemons", String(daemon), "natstate.db"), "");
  }
}

const surplus = (daemons: number) => surplusDirectories(data, daemons).map(({ daemon }) => daemon);

it("the first of several has the directory that one alone has", () => {
  expect(directoriesOf(data, 1)).toEqual([{ daemon: 1, path: data }]);
  expect(directoriesOf(data, 3).map(({ path }) => path)).toEqual([
    data,
    join(data, "daemons/2"),
    join(data, "daemons/3"),
  ]);
});

it("stores of more daemons than are wanted are surplus, until their partitions have moved", () => {
  expect(surplus(1)).toEqual([]);
  useStores(2, 3, 10);
  mkdirSync(join(data, "daemons", "4"));
  mkdirSync(join(data, "daemons", "old"));
  expect([1, 2, 3, 10].map(surplus)).toEqual([[2, 3, 10], [3, 10], [10], []]);
  markLeft(join(data, "daemons", "3"));
  expect(surplus(1)).toEqual([2, 10]);
  unmarkLeft(join(data, "daemons", "3"));
  expect(surplus(1)).toEqual([2, 3, 10]);
});

it("the memory of one by default is shared; what is set is said of each", () => {
  const alone = { NATSTATE_HOT_ACTORS: 50_000, NATSTATE_HOT_BYTES: 268_435_456 };
  expect(shareOfMemory(alone, {}, 4)).toEqual({ NATSTATE_HOT_ACTORS: "12500", NATSTATE_HOT_BYTES: "67108864" });
  expect(shareOfMemory(alone, {}, 64)).toEqual({ NATSTATE_HOT_ACTORS: "4000", NATSTATE_HOT_BYTES: "16777216" });
  expect(shareOfMemory(alone, { NATSTATE_HOT_ACTORS: "50000" }, 4)).toEqual({ NATSTATE_HOT_BYTES: "67108864" });
});
