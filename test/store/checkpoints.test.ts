import { rmSync, statSync } from "node:fs";
import type Database from "better-sqlite3";
import { expect, test } from "vitest";
import { createStartOver } from "../../src/store/checkpoints.ts";
import { createTestClock } from "../clock.ts";
import { until } from "../until.ts";
import { file, fill, start, store, troubles, useStore } from "./checkpointed-store.ts";

useStore();

test("what is committed reaches the database file by the thread alone, while its writer rests", async () => {
  const before = statSync(file).size;
  fill(4);
  expect(statSync(file).size).toBe(before);
  const stop = start();
  await until("the file has grown", () => statSync(file).size >= before + 4 * 1_048_576);
  await stop();
  expect(troubles).toEqual([]);
});

test("a disk that is full or fails when the log is to start over is told of once, ends nothing, and is tried again after a while", async () => {
  let attempts = 0;
  const failing = new Proxy(store.db, {
    get(db, name) {
      if (name !== "pragma") return Reflect.get(db, name, db);
      return (source: string, options?: Database.PragmaOptions) => {
        if (source !== "wal_checkpoint(RESTART)") return db.pragma(source, options);
        attempts++;
        throw new Error("database or disk is full");
      };
    },
  });
  const clock = createTestClock();
  const startOver = createStartOver(failing, (error) => troubles.push(error.message), clock);
  const attempt = () => {
    for (let nth = 0; nth < 3; nth++) startOver(9000);
  };
  attempt();
  expect(troubles).toEqual([expect.stringMatching(/9000 pages .*database or disk is full/)]);
  attempt();
  expect(attempts).toBe(3);
  await clock.pass(30_000);
  attempt();
  expect(attempts).toBe(6);
  expect(troubles).toHaveLength(1);
});

test("a thread that dies is told of", async () => {
  rmSync(file);
  const stop = start();
  await until("trouble", () => troubles.length > 0);
  await stop();
  expect(troubles[0]).toMatch(/database/);
});
