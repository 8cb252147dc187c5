import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import Database from "better-sqlite3";
import { afterEach, beforeEach, expect, it } from "vitest";
import { atOnce } from "../../src/flow/pieces.ts";
import type { StoredActor } from "../../src/flow/rows.ts";
import { checkStore } from "../../src/store/checkup.ts";
import { createContradictions } from "../../src/store/contradictions.ts";
import { openDatabase, openInPieces } from "../../src/store/database.ts";
import { createJournal } from "../../src/store/journal.ts";
import { openReader } from "../../src/store/reader.ts";

const ACTORS = 500;
const EVENTS = 3000;

let dir = "";
let file = "";
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "natstate-moving-"));
  file = join(dir, "natstate.db");
  writeOld();
});
afterEach(() => rmSync(dir, { recursive: true }));

/** A store of the schema before, in which the first actor has heard far more than the others. */
function writeOld(): void {
  const old = new Database(file);
  old.pragma("journal_mode = WAL");
  old.exec(readFileSync(join(import.meta.dirname, "schemas/12.sql"), "utf8"));
  old.exec("DELETE FROM actors; DELETE FROM events; DELETE FROM decisions; DELETE FROM tallies");
  old.exec(`WITH RECURSIVE n(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < ${ACTORS})
    INSERT INTO actors SELECT n, 'order', 'o-' || n, 1, 1, 1, 'pending', 0, 1, 0, 0, NULL, NULL, 0, 0, 0, '{}', NULL FROM n`);
  old.exec(`WITH RECURSIVE n(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < ${EVENTS})
    INSERT INTO events (rowid, actor_key, event_id, type, timestamp, stored_ms, sequence, outcome, correlation_id, body)
    SELECT 2 * n, iif(n % 10 = 0, 1, 1 + n % ${ACTORS}), 'e-' || n, 'X', 't', n, n, 'applied', NULL, '{}' FROM n`);
  old.exec("UPDATE actors SET events = (SELECT count(*) FROM events WHERE actor_key = key)");
  old.close();
}

/** Which events each actor has heard, in their order. */
function pastOf(db: Database.Database): string[][] {
  const journal = createJournal(db);
  return Array.from({ length: ACTORS }, (_, index) => {
    const row = journal.findActor("order", `o-${index + 1}`) as StoredActor;
    return [...journal.eventsOf(row)].map(({ eventId }) => eventId);
  });
}

it("a store that is brought up to date in pieces goes on where it was, whenever it was interrupted, and is then whole", () => {
  const old = new Database(file);
  const select = old.prepare("SELECT event_id FROM events WHERE actor_key = ? ORDER BY rowid").pluck();
  const before = Array.from({ length: ACTORS }, (_, index) => select.all(index + 1));
  old.close();
  const percents: number[] = [];
  let rows = 0;
  for (let starts = 0; starts < 20; starts++) {
    let told = 0;
    const interrupt = (progress: { percent: number; rows: number }) => {
      rows += progress.rows - told;
      told = progress.rows;
      percents.push(progress.percent);
      throw new Error("interrupted");
    };
    try {
      atOnce(openInPieces(file, interrupt)).close();
      break;
    } catch (error) {
      expect((error as Error).message).toBe("interrupted");
      expect(() => openReader(file)).toThrow(
        /is being brought up to date, \d+ % of it are: npx natstate start goes on/,
      );
      expect(checkStore(file)).toMatchObject({ schema: 13, movedPercent: percents.at(-1) });
    }
  }
  expect(percents).toEqual(percents.toSorted((a, b) => a - b));
  expect([percents.length, percents.at(-1)]).toEqual([6, 100]);
  expect(rows).toBe(ACTORS + EVENTS);
  const { db, close } = openDatabase(file);
  expect(pastOf(db)).toEqual(before);
  expect(before[0]?.length).toBeGreaterThan(200);
  const contradictions = createContradictions(db, () => true).contradictions();
  expect(contradictions.filter((line) => line.includes("events"))).toEqual([]);
  expect(db.pragma("integrity_check", { simple: true })).toBe("ok");
  close();
  openReader(file).close();
});
