import { statSync } from "node:fs";
import Database from "better-sqlite3";
import { expect, test } from "vitest";
import { pagesOf } from "../../src/store/database.ts";
import { until } from "../until.ts";
import { file, fill, start, store, troubles, useStore } from "./checkpointed-store.ts";

useStore();

test("a writer that never rests does not make the log grow for ever", async () => {
  const stop = start();
  let longest = 0;
  for (let round = 0; round < 4; round++) {
    for (let count = 0; count < 20; count++) {
      fill(3);
      await new Promise((resolve) => setTimeout(resolve, 40));
    }
    longest = Math.max(longest, statSync(`${file}-wal`).size);
  }
  await stop();
  expect(troubles).toEqual([]);
  // 240 MiB were written.
  expect(longest).toBeLessThan(160 * 1_048_576);
}, 45_000);

test("nor one that is hardly ever between two transactions, and nobody else is blamed for it", async () => {
  const stop = start();
  fill(65);
  for (const endMs = performance.now() + 5000; performance.now() < endMs; ) {
    store.db.transaction(() => {
      fill(1);
      const until = performance.now() + 250;
      while (performance.now() < until);
    })();
    await new Promise(setImmediate);
  }
  await stop();
  expect(troubles).toEqual([]);
  const [{ log }] = store.db.pragma("wal_checkpoint(PASSIVE)") as [{ log: number }];
  expect(log).toBeLessThan(pagesOf(store.db, 32 * 1_048_576));
}, 45_000);

test("a reader that stays in the way is told of once, and does not hold up the writer again and again", async () => {
  const stop = start();
  fill(1);
  const reader = new Database(file, { readonly: true });
  reader.exec("BEGIN");
  reader.prepare("SELECT count(*) FROM filler").get();
  fill(80);
  await until("it is told", () => troubles.length > 0);
  let slow = 0;
  for (let count = 0; count < 40; count++) {
    const startedMs = performance.now();
    fill(1);
    if (performance.now() - startedMs > 80) slow++;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  reader.close();
  await stop();
  expect(troubles).toEqual([
    expect.stringMatching(/cannot be started over: a backup, a verify or another program reads/),
  ]);
  // Of 40, on a machine that is shared by many.
  expect(slow).toBeLessThan(10);
}, 45_000);
