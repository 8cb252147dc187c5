import { rmSync, statSync } from "node:fs";
import type Database from "better-sqlite3";
import { expect, test } from "vitest";
import { until } from "../until.ts";
import { file, fill, start, store, troubles, useStore } from "./checkpointed-store.ts";

useStore();

test("what is committed reaches the database file by the thread alone, while its writer rests", async () => {
  const before = statSync(file).size;
  fill(4);
  expect(statSync(file).size).toBe(before);
  const checkpoints = start();
  await until("the file has grown", () => statSync(file).size >= before + 4 * 1_048_576);
  await checkpoints.stop();
  expect(troubles).toEqual([]);
});

test("a disk that is full or fails when the log is to start over is told of, and ends nothing", async () => {
  const failing = new Proxy(store.db, {
    get(db, name) {
      if (name !== "pragma") return Reflect.get(db, name, db);
      return (source: string, options?: Database.PragmaOptions) => {
        if (source === "wal_checkpoint(RESTART)") throw new Error("database or disk is full");
        return db.pragma(source, options);
      };
    },
  });
  const checkpoints = start(failing);
  fill(80);
  await until("it is told", () => {
    fill(1);
    return troubles.length > 0;
  });
  await checkpoints.stop();
  expect(troubles).toEqual([expect.stringContaining("database or disk is full")]);
}, 45_000);

test("a thread that dies is told of", async () => {
  rmSync(file);
  const checkpoints = start();
  await until("trouble", () => troubles.length > 0);
  await checkpoints.stop();
  expect(troubles[0]).toMatch(/database/);
});
