import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import Database from "better-sqlite3";
import { expect, it } from "vitest";
import { openDatabase, StoreError } from "../../src/store/database.ts";

const FIRST = join(import.meta.dirname, "../../src/store/migrations/001-initial.sql");

it("a store of the first schema keeps what it has kept back; one of a newer natstate is refused", () => {
  const dir = mkdtempSync(join(tmpdir(), "natstate-migrations-"));
  const file = join(dir, "natstate.db");
  try {
    const old = new Database(file);
    old.exec(readFileSync(FIRST, "utf8"));
    old.pragma("user_version = 1");
    old.exec(`INSERT INTO parked VALUES ('order', 'o', 7, 'orders.1.o.X', 1000, '[]', x'7b7d')`);
    old.close();
    const { db, close } = openDatabase(file);
    expect(db.prepare("SELECT * FROM parked").all()).toEqual([
      {
        type: "order",
        actor_id: "o",
        sequence: 7,
        subject: "orders.1.o.X",
        stored_ms: 1000,
        headers: "[]",
        body: Buffer.from("{}"),
      },
    ]);
    db.pragma("user_version = 1000");
    close();
    expect(() => openDatabase(file)).toThrow(StoreError);
  } finally {
    rmSync(dir, { recursive: true });
  }
});
