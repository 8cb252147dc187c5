import { rmSync, statSync } from "node:fs";
import Database from "better-sqlite3";
import { expect, test } from "vitest";
import { createStartOver, startCheckpoints } from "../../src/store/checkpoints.ts";
import { type OpenDatabase, openDatabase } from "../../src/store/database.ts";
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

test("a new store has pages of 4 KiB; one of before keeps its own, and its log may become as long", async () => {
  const bounds = ({ db }: OpenDatabase) => {
    const value = (name: string) => db.pragma(name, { simple: true }) as number;
    return [value("page_size"), value("page_size") * value("wal_autocheckpoint")];
  };
  const old = new Database(`${file}.old`);
  old.pragma("page_size = 8192");
  old.exec("CREATE TABLE filler (body BLOB)");
  old.close();
  const before = openDatabase(`${file}.old`);
  expect([bounds(store), bounds(before)]).toEqual([
    [4096, 40 * 1_048_576],
    [8192, 40 * 1_048_576],
  ]);
  const stops = [start(), startCheckpoints(before.db, `${file}.old`, () => {})];
  expect([bounds(store), bounds(before)]).toEqual([
    [4096, 320 * 1_048_576],
    [8192, 320 * 1_048_576],
  ]);
  for (const stop of stops) await stop();
  before.close();
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
