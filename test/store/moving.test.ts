import { spawn } from "node:child_process";
import { once } from "node:events";
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
import { movedPercent } from "../../src/store/schema.ts";

const ACTORS = 500;
const EVENTS = 3000;
/** Moved in 40 pieces and more. */
const MANY_EVENTS = 40_000;

/** Opens a store, and tells of each piece with a dot. */
const OPEN = `
  import { writeSync } from "node:fs";
  import { atOnce } from "../../src/flow/pieces.ts";
  import { openInPieces } from "../../src/store/database.ts";
  atOnce(openInPieces(process.argv[1], () => void writeSync(1, "."))).close();
`;

let dir = "";
let file = "";
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "natstate-moving-"));
  file = join(dir, "natstate.db");
});
afterEach(() => rmSync(dir, { recursive: true }));

/** A store of the schema before, in which the first actor has heard far more than the others. */
function writeOld(events: number): void {
  const old = new Database(file);
  old.pragma("journal_mode = WAL");
  old.exec(readFileSync(join(import.meta.dirname, "schemas/12.sql"), "utf8"));
  old.exec("DELETE FROM actors; DELETE FROM events; DELETE FROM decisions; DELETE FROM tallies");
  old.exec(`WITH RECURSIVE n(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < ${ACTORS})
    INSERT INTO actors SELECT n, 'order', 'o-' || n, 1, 1, 1, 'pending', 0, 1, 0, 0, NULL, NULL, 0, 0, 0, '{}', NULL FROM n`);
  old.exec(`WITH RECURSIVE n(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < ${events})
    INSERT INTO events (rowid, actor_key, event_id, type, timestamp, stored_ms, sequence, outcome, correlation_id, body)
    SELECT 2 * n, iif(n % 10 = 0, 1, 1 + n % ${ACTORS}), 'e-' || n, 'X', 't', n, n, 'applied', NULL, '{}' FROM n`);
  old.exec("UPDATE actors SET events = (SELECT count(*) FROM events WHERE actor_key = key)");
  old.close();
}

/** Which events each actor has heard, in their order, while they had an index. */
function pastBefore(): unknown[][] {
  const old = new Database(file);
  const select = old.prepare("SELECT event_id FROM events WHERE actor_key = ? ORDER BY rowid").pluck();
  const past = Array.from({ length: ACTORS }, (_, index) => select.all(index + 1));
  old.close();
  return past;
}

/** The same by what their rows say. */
function pastOf(db: Database.Database): string[][] {
  const journal = createJournal(db);
  return Array.from({ length: ACTORS }, (_, index) => {
    const row = journal.findActor("order", `o-${index + 1}`) as StoredActor;
    return [...journal.eventsOf(row)].map(({ eventId }) => eventId);
  });
}

it("a store that is brought up to date in pieces goes on where it was, whenever it was interrupted, and is then whole", () => {
  writeOld(EVENTS);
  const before = pastBefore();
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
  expectWhole(before);
});

it("a process that is killed while it brings a store up to date leaves one that the next goes on with", async () => {
  writeOld(MANY_EVENTS);
  const before = pastBefore();
  const killedAt: (number | undefined)[] = [];
  // Each is struck while it moves the next rows.
  for (let pieces = 3; killedAt.length < 20; pieces += 2) {
    if (await isBroughtUpToDate(pieces)) break;
    const store = new Database(file);
    killedAt.push(movedPercent(store));
    store.close();
  }
  const midway = killedAt.filter((percent) => percent !== undefined && percent > 0 && percent < 100);
  expect(midway.length, killedAt.join()).toBeGreaterThan(2);
  expect(midway).toEqual(midway.toSorted((a = 0, b = 0) => a - b));
  expectWhole(before);
});

/** Starts a process for it, and kills that once it has told of so many pieces. @returns whether it came to the end before. */
async function isBroughtUpToDate(pieces: number): Promise<boolean> {
  const child = spawn(process.execPath, ["--input-type=module", "--eval", OPEN, file], {
    cwd: import.meta.dirname,
    stdio: ["ignore", "pipe", "inherit"],
  });
  let told = 0;
  child.stdout.on("data", (dots: Buffer) => {
    told += dots.length;
    if (told >= pieces) child.kill("SIGKILL");
  });
  const [code, signal] = await once(child, "exit");
  expect([code, signal]).toEqual(signal === null ? [0, null] : [null, "SIGKILL"]);
  return signal === null;
}

function expectWhole(before: unknown[][]): void {
  const { db, close } = openDatabase(file);
  expect(movedPercent(db)).toBeUndefined();
  expect(pastOf(db)).toEqual(before);
  expect(before[0]?.length).toBeGreaterThan(200);
  const contradictions = createContradictions(db, () => true).contradictions();
  expect(contradictions.filter((line) => line.includes("events"))).toEqual([]);
  expect(db.pragma("integrity_check", { simple: true })).toBe("ok");
  close();
  openReader(file).close();
}
