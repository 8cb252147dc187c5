import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { openDatabase } from "../../src/store/database.ts";
import { createImages } from "../../src/store/stored-actor.ts";

const ROUNDS = 30;

/** A store with the actors of a type behind those of another. */
function openBlocks(sizes: Readonly<Record<string, number>>) {
  const dir = mkdtempSync(join(tmpdir(), "natstate-random-"));
  const { db, close } = openDatabase(join(dir, "natstate.db"));
  for (const [type, count] of Object.entries(sizes)) {
    db.prepare(`WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < :count)
      INSERT INTO actors (type, id, partition, row_version, machine_version, state, completeness, incomplete, events,
        revision, first_seen_ms, updated_ms, checksum, snapshot)
      SELECT :type, :type || '-' || hex(randomblob(8)), 0, 1, 1, 'a', 0, 1, 1, 0, i, i, 0, '{}' FROM n`).run({
      type,
      count,
    });
  }
  return {
    db,
    images: createImages(db),
    [Symbol.dispose]() {
      close();
      rmSync(dir, { recursive: true });
    },
  };
}

function quickestMs(work: () => void): number {
  const took = Array.from({ length: ROUNDS }, () => {
    const startedMs = performance.now();
    work();
    return performance.now() - startedMs;
  });
  return Math.min(...took);
}

it("one actor at random is of the type that was asked for, wherever its actors are", () => {
  using store = openBlocks({ first: 3, second: 5000, third: 2 });
  for (const type of ["first", "second", "third"]) {
    for (let round = 0; round < ROUNDS; round++) expect(store.images.random(type)).toMatch(`${type}-`);
  }
  expect(store.images.random("none")).toBeUndefined();
});

it("it is found without sorting all others: events wait meanwhile", () => {
  using store = openBlocks({ order: 20_000 });
  const sorting = store.db.prepare(
    "SELECT id FROM actors INDEXED BY actors_by_id WHERE type = 'order' ORDER BY key LIMIT 1",
  );
  expect(quickestMs(() => store.images.random("order"))).toBeLessThan(quickestMs(() => sorting.get()) / 5);
});
