import { copyFileSync, mkdirSync } from "node:fs";
import { dirname, join } from "node:path";
import type Database from "better-sqlite3";
import { expect, it } from "vitest";
import { atOnce } from "../../src/flow/pieces.ts";
import { carryOtherTypes } from "../../src/store/carry-types.ts";
import { checkStore } from "../../src/store/checkup.ts";
import { createContradictions } from "../../src/store/contradictions.ts";
import { openDatabase } from "../../src/store/database.ts";
import { createJournal } from "../../src/store/journal.ts";
import { type CopiedRow, createLaneCopies, type LaneStand } from "../../src/store/lane-copy.ts";
import { openLaneStage } from "../../src/store/lane-stage.ts";
import { createLaneRecords } from "../../src/store/lanes.ts";
import { openQueries } from "../../src/store/queries.ts";
import { openReader } from "../../src/store/reader.ts";
import { clearStaged } from "../../src/store/staged-actors.ts";
import { meterEvent } from "../flow/meters.ts";
import type { Station } from "../flow/station.ts";
import { ALSO_OURS, contentsOf, LANE, laneOf, openFilled, openKnown } from "./filled-lane.ts";

const OTHER = Array.from({ length: 20 }, (_, index) => `m-${index}`).filter((id) => laneOf(id) !== LANE);

function copyOf({ file }: Station): { readonly rows: readonly CopiedRow[]; readonly stand: LaneStand } {
  const rows: CopiedRow[] = [];
  const copy = createLaneCopies(file).open(LANE, (row) => rows.push(row));
  if (copy === undefined) throw new Error("nothing of the lane");
  atOnce(copy.rows());
  copy.close();
  return { rows, stand: copy.stand };
}

function* piecesOf(rows: readonly CopiedRow[], size: number): Generator<readonly CopiedRow[]> {
  for (let from = 0; from < rows.length; from += size) yield rows.slice(from, from + size);
}

/** Every row of every table. */
function dump(db: Database.Database): Record<string, unknown[]> {
  const tables = db.prepare("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name").pluck().all();
  return Object.fromEntries(tables.map((name) => [name, db.prepare(`SELECT * FROM ${name} ORDER BY 1, 2`).all()]));
}

/** As a process that is killed now leaves the store. */
function leftBy({ file }: Station, name: string): string {
  const directory = join(dirname(file), name);
  mkdirSync(directory);
  for (const suffix of ["", "-wal"]) copyFileSync(`${file}${suffix}`, join(directory, `natstate.db${suffix}`));
  return join(directory, "natstate.db");
}

it("killed between any two pieces of a copy, and of its removal, a store has what it had", () => {
  using giver = openFilled();
  using taker = openKnown();
  taker.processor.apply(OTHER.map((id, index) => meterEvent(laneOf(id), 1 + index, 1, { id })));
  const before = dump(taker.db);
  const many = Array.from({ length: 200 }, (_, index) => `many-${index}`).filter((id) => laneOf(id) === LANE);
  giver.processor.apply(many.map((id, index) => meterEvent(LANE, 7000 + index, 1, { id })));
  const { rows } = copyOf(giver);
  const stage = openLaneStage(taker, LANE);
  let kills = 0;
  const kill = () => {
    const { db, close } = openDatabase(leftBy(taker, `killed-${++kills}`));
    expect(dump(db)).toEqual(before);
    // Whoever is heard of next gets a key of its own.
    expect(createJournal(db).nextActorKey()).toBe(OTHER.length + 1);
    close();
  };
  for (const piece of piecesOf(rows, 7)) {
    stage.add(piece);
    kill();
  }
  const staged = kills;
  for (const _ of stage.close()) kill();
  expect(dump(taker.db)).toEqual(before);
  expect(staged).toBeGreaterThan(10);
  expect(kills).toBeGreaterThan(staged + 1);
});

it("others commit between the pieces of a copy, and lose nothing by its removal or its adoption", () => {
  for (const end of ["removed", "adopted"]) {
    using giver = openFilled();
    using taker = openKnown();
    using alone = openKnown();
    const { rows, stand } = copyOf(giver);
    const stage = openLaneStage(taker, LANE);
    let sequence = 0;
    for (const piece of piecesOf(rows, 7)) {
      stage.add(piece);
      const id = `${OTHER[sequence % 3]}-${sequence}`;
      const event = meterEvent(laneOf(id), ++sequence, sequence, { id });
      if (laneOf(id) === LANE) continue;
      for (const { processor } of [taker, alone]) processor.apply([event]);
    }
    if (end === "adopted") stage.adopt(stand);
    atOnce(stage.close());
    if (end === "adopted") expect(contentsOf(taker.db)).toEqual(contentsOf(giver.db));
    expect(taker.db.prepare("SELECT * FROM staged").all()).toEqual([]);
    const others = ({ db }: Station) =>
      db
        .prepare("SELECT id, heard IS NULL, events, snapshot FROM actors WHERE partition <> ? ORDER BY id")
        .all(LANE.partition);
    expect(others(taker)).toEqual(others(alone));
    expect(others(taker).length).toBeGreaterThan(5);
    const contradictions = createContradictions(taker.db, () => true).contradictions();
    expect(contradictions.filter((line) => !line.startsWith("retired actors that the running"))).toEqual(
      end === "adopted" ? contradictionsOf(giver) : [],
    );
  }
});

function contradictionsOf({ db }: Station): string[] {
  const found = createContradictions(db, () => true).contradictions();
  return found.filter((line) => !line.startsWith("retired actors that the running"));
}

it("until a copy is adopted nobody who reads the store sees anything of it", () => {
  using giver = openFilled();
  using taker = openKnown();
  giver.db.exec("UPDATE decisions SET published = NULL");
  const { rows, stand } = copyOf(giver);
  const stage = openLaneStage(taker, LANE);
  stage.add(rows);
  expect(taker.db.prepare("SELECT count(*) FROM actors").pluck().get()).toBeGreaterThan(1);
  const look = () => {
    const reader = openReader(taker.file);
    const queries = openQueries(taker.file);
    const blank = { state: "idle", completeness: 0 };
    using other = openKnown();
    other.db.exec("DELETE FROM streams");
    const aged = { type: "meter", firstSequence: 1e9, createdMs: 0 };
    const seen = [
      queries.list(LANE.type, { limit: 100 }, blank).rows.length,
      queries.list(LANE.type, { limit: 100, idPrefix: "b" }, blank).rows.length,
      Number(queries.history.find(LANE.type, "busy")?.row?.events ?? 0),
      queries.undecidedSince(LANE.type) ?? 0,
      reader.images.count("meter"),
      reader.images.idsAfter("meter", "", 100).length,
      atOnce(reader.images.find(LANE, "busy")).events.length,
      [...reader.agedEvents(aged)].length,
      [...reader.agedDecisions("meter", 1e9)].length,
      checkStore(taker.file)?.rows?.pending,
      createContradictions(other.db, () => false).missingFrom(taker.file, ["meter"]).count,
      carryOtherTypes(other.db, taker.file, ["none"]).length - 1,
      ...["actors", "events", "decisions"].map((table) =>
        other.db.prepare(`SELECT count(*) FROM ${table}`).pluck().get(),
      ),
    ];
    reader.close();
    queries.close();
    return seen;
  };
  expect(look().filter((seen) => seen !== 0)).toEqual([]);
  expect(createLaneCopies(taker.file).open(LANE, () => {})).toBeUndefined();
  expect(createLaneRecords(taker.db).completeTo(LANE)).toBe(0);
  stage.adopt(stand);
  expect(look().filter((seen) => seen === 0)).toHaveLength(2);
});

it("of a copy that is removed while another lane's is staged, that one's stays", () => {
  using giver = openFilled();
  using taker = openKnown();
  const { rows, stand } = copyOf(giver);
  const stage = openLaneStage(taker, LANE);
  stage.add(rows);
  const another = laneOf(OTHER[0] ?? "");
  atOnce(clearStaged(taker.db, another));
  stage.adopt(stand);
  expect(contentsOf(taker.db)).toEqual(contentsOf(giver.db));
});

it("what is learnt of DECISIONS while a copy is on its way is known when nothing comes of that", () => {
  using giver = openFilled();
  using taker = openKnown();
  const { rows } = copyOf(giver);
  const { actor_id: actorId, payload } = giver.db
    .prepare("SELECT actor_id, payload FROM decisions WHERE revision = 1 AND partition = ?")
    .get(LANE.partition) as { readonly actor_id: string; readonly payload: string };
  const stage = openLaneStage(taker, LANE);
  stage.add(rows);
  taker.outbox.learnDecisions(LANE, [{ actorId, revision: 1, sequence: 9, pastTo: 0, payload }]);
  atOnce(stage.close());
  expect(taker.db.prepare("SELECT actor_id, revision, sequence FROM imported_decisions").all()).toEqual([
    { actor_id: actorId, revision: 1, sequence: 9 },
  ]);
});

it("of actors with a great many events few are removed at a time", () => {
  using giver = openFilled();
  using taker = openKnown();
  for (const [nth, id] of ALSO_OURS.slice(-4).entries()) {
    const sequence = 7000 + 300 * nth;
    giver.processor.apply(
      Array.from({ length: 300 }, (_, index) => meterEvent(LANE, sequence + index, 20 + index, { id })),
    );
  }
  const { rows } = copyOf(giver);
  const stage = openLaneStage(taker, LANE);
  stage.add(rows);
  const count = () => taker.db.prepare("SELECT count(*) FROM events").pluck().get() as number;
  const removed: number[] = [];
  let before = count();
  expect(before).toBeGreaterThan(1200);
  for (const _ of stage.close()) {
    removed.push(before - count());
    before = count();
  }
  expect(before).toBe(0);
  expect(Math.max(...removed)).toBeLessThan(700);
});

it("actors that others have made between those of copies are kept, and all beside them are not", () => {
  using station = openKnown();
  station.processor.apply(OTHER.map((id, index) => meterEvent(laneOf(id), 1 + index, 1, { id })));
  const idOf = station.db.prepare("SELECT id FROM actors WHERE key = ?").pluck();
  const stage = station.db.prepare("INSERT INTO staged VALUES (?, ?, 'meter', 0)");
  for (const [first, last] of [
    [1, 1],
    [3, 5],
    [6, 6],
    [8, 8],
  ])
    stage.run(first, last);
  const kept = OTHER.map((_, index) => index + 1).filter((key) => [2, 7].includes(key) || key > 8);
  const reader = openReader(station.file);
  expect(reader.images.idsAfter("meter", "", 100)).toEqual(kept.map((key) => String(idOf.get(key))).toSorted());
  expect(reader.images.count("meter")).toBe(kept.length);
  reader.close();
});
