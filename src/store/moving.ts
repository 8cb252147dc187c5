import type Database from "better-sqlite3";
import type { Pieces } from "../flow/pieces.ts";

/**
 * What a migration does to so many rows that no start may wait for it in one go. Its script makes the room, and the table
 * `moving`, in which each piece notes how far it is, in the transaction that moves its rows. So whatever ends the process,
 * the next one goes on behind the last piece; whoever finds the table there knows that the store is not whole.
 */
export interface Moving {
  /** Of the migration whose script begins it. */
  readonly schema: number;
  /** One after the other. */
  readonly steps: readonly MovingStep[];
  /** SQL that leaves the store as a new one is, in one transaction with the end of the table. */
  readonly end: string;
}

/** Rows that are moved by rising numbers. */
export interface MovingStep {
  /** SQL: the highest number, 0 when there is none. */
  readonly last: string;
  /** @returns what moves the next few rows behind a number, and tells which they were; undefined: there are none. */
  prepare(db: Database.Database): (after: number) => MovedPiece | undefined;
}

export interface MovedPiece {
  /** The highest number of these rows. */
  readonly last: number;
  readonly rows: number;
}

/** How far a store has been brought up to date. */
export interface MovingProgress {
  /** The schema it is on its way to. */
  readonly schema: number;
  /** 0 to 100. */
  readonly percent: number;
  /** By this process. */
  readonly rows: number;
}

/** Told after every piece; what it throws interrupts the work, which may be gone on with later. */
export type OnMoving = (progress: MovingProgress) => void;

interface Stand {
  readonly step: number;
  readonly after: number;
}

/** Is it between the begin and the end of such a migration? @returns how many percent are done, undefined when it is not. */
export function findMoving(db: Database.Database, moving: Moving): number | undefined {
  const stand = readStand(db);
  return stand && percentOf(lastsOf(db, moving), stand);
}

/** Goes on with what a migration has begun, until all is moved. */
export function* move(db: Database.Database, moving: Moving, onMoving: OnMoving): Pieces<void> {
  let stand = readStand(db);
  if (stand === undefined) return;
  const lasts = lastsOf(db, moving);
  const save = db.prepare("UPDATE moving SET step = ?, after = ?");
  let rows = 0;
  for (const [index, step] of moving.steps.entries()) {
    if (index < stand.step) continue;
    const moveNext = step.prepare(db);
    const next = db.transaction((after: number) => {
      const piece = moveNext(after);
      save.run(piece === undefined ? index + 1 : index, piece?.last ?? 0);
      return piece;
    });
    for (let piece = next(stand.after); piece !== undefined; piece = next(piece.last)) {
      rows += piece.rows;
      onMoving({ schema: moving.schema, rows, percent: percentOf(lasts, { step: index, after: piece.last }) });
      yield;
    }
    stand = { step: index + 1, after: 0 };
  }
  db.transaction(() => db.exec(`${moving.end}; DROP TABLE moving`))();
}

function readStand(db: Database.Database): Stand | undefined {
  const isThere = db.prepare("SELECT 1 FROM sqlite_schema WHERE name = 'moving'").get() !== undefined;
  return isThere ? (db.prepare("SELECT step, after FROM moving").get() as Stand) : undefined;
}

function lastsOf(db: Database.Database, { steps }: Moving): number[] {
  return steps.map(({ last }) => db.prepare(last).pluck().get() as number);
}

function percentOf(lasts: readonly number[], { step, after }: Stand): number {
  const sum = (of: readonly number[]) => of.reduce((total, last) => total + last, 0);
  return Math.floor((100 * (sum(lasts.slice(0, step)) + after)) / Math.max(1, sum(lasts)));
}
