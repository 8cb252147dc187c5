import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type Database from "better-sqlite3";
import { afterEach, beforeEach, expect, test } from "vitest";
import { startCheckpoints } from "../../src/store/checkpoints.ts";
import { type OpenDatabase, openDatabase } from "../../src/store/database.ts";
import { until } from "../until.ts";

let dir: string;
let file: string;
let store: OpenDatabase;
let troubles: string[];

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "natstate-checkpoints-"));
  file = join(dir, "natstate.db");
  store = openDatabase(file);
  store.db.exec("CREATE TABLE filler (body BLOB)");
  troubles = [];
});
afterEach(() => {
  store.close();
  rmSync(dir, { recursive: true });
});

const start = () => startCheckpoints(store.db, file, (error) => troubles.push(error.message));
const fill = (mebibytes: number) => {
  const insert = store.db.prepare("INSERT INTO filler VALUES (zeroblob(1048576))");
  store.db.transaction(() => {
    for (let count = 0; count < mebibytes; count++) insert.run();
  })();
};

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
  const checkpoints = startCheckpoints(failing, file, ({ message }) => troubles.push(message));
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
