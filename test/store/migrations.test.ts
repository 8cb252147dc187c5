import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import Database from "better-sqlite3";
import { expect, it } from "vitest";
import type { StoredActor } from "../../src/flow/rows.ts";
import { openDatabase } from "../../src/store/database.ts";
import { createJournal } from "../../src/store/journal.ts";
import { StoreError } from "../../src/store/store-error.ts";

const MIGRATIONS = join(import.meta.dirname, "../../src/store/migrations");
const FIRST = join(MIGRATIONS, "001-initial.sql");

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

it("a store in which events were known by their ids alone keeps them, and takes another type's event with one of these", () => {
  const dir = mkdtempSync(join(tmpdir(), "natstate-migrations-"));
  const file = join(dir, "natstate.db");
  try {
    const old = new Database(file);
    for (const name of ["001-initial.sql", "002-parked-across-streams.sql"]) {
      old.exec(readFileSync(join(MIGRATIONS, name), "utf8"));
    }
    old.pragma("user_version = 2");
    old.exec(`INSERT INTO actors VALUES (1, 'order', 'o', 1, 1, 1, 's', 0, 1, 1, 0, NULL, NULL, 0, 0, 0, '{}')`);
    old.exec(`INSERT INTO events (actor_key, event_id, type, timestamp, stored_ms, sequence, outcome, duplicates,
      correlation_id, body) VALUES (1, 'a', 'X', 't', 1000, 7, 'superseded', 3, 'c', '{"b":1}')`);
    old.close();
    const { db, close } = openDatabase(file);
    expect(db.prepare("SELECT * FROM events").all()).toEqual([
      {
        place: 1,
        actor_key: 1,
        event_id: "a",
        type: "X",
        timestamp: "t",
        stored_ms: 1000,
        sequence: 7,
        outcome: "superseded",
        duplicates: 3,
        conflicts: 0,
        correlation_id: "c",
        body: '{"b":1}',
        replayed: 0,
      },
    ]);
    const journal = createJournal(db);
    const actor = journal.findActor("order", "o") as StoredActor;
    const row = { actorKey: 1, eventId: "a", timestamp: "t", storedAtMs: 1, sequence: 8, correlationId: null };
    expect(journal.recordEvent(actor, { ...row, type: "Y", body: '{"b":1}' })).toBe("new");
    expect(journal.recordEvent(actor, { ...row, type: "X", body: '{"b":1}' })).toBe("duplicate");
    expect(journal.recordEvent(actor, { ...row, type: "X", body: '{"b":2}' })).toBe("conflict");
    close();
  } finally {
    rmSync(dir, { recursive: true });
  }
});

it("what was rejected because its actor is retired is counted and found by the reason's name of now", () => {
  const dir = mkdtempSync(join(tmpdir(), "natstate-migrations-"));
  const file = join(dir, "natstate.db");
  try {
    const old = new Database(file);
    for (const name of readdirSync(MIGRATIONS).sort().slice(0, 6)) {
      old.exec(readFileSync(join(MIGRATIONS, name), "utf8"));
    }
    old.pragma("user_version = 6");
    old.exec(`INSERT INTO dead_letters VALUES
        ('ORDERS', 7, 0, 'order', 1, 'order_retired', 'e', 'orders.1.o.X', 1000, '[]', 3, x'7b7d'),
        ('ORDERS', 8, 0, 'order', 1, 'malformed_json', 'e', 'orders.1.o.X', 1000, '[]', 4, x'7b');
      INSERT INTO tallies VALUES ('order', 1, 'dead:order_retired', 1), ('order', 1, 'dead:malformed_json', 1)`);
    old.close();
    const { db, close } = openDatabase(file);
    const reasons = db.prepare("SELECT reason FROM dead_letters ORDER BY sequence").pluck().all();
    const tallies = db.prepare("SELECT name, value FROM tallies ORDER BY name").all();
    close();
    expect(reasons).toEqual(["actor_retired", "malformed_json"]);
    expect(tallies).toEqual([
      { name: "dead:actor_retired", value: 1 },
      { name: "dead:malformed_json", value: 1 },
    ]);
  } finally {
    rmSync(dir, { recursive: true });
  }
});
