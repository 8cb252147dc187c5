import type Database from "better-sqlite3";

/** A message that could never be applied. */
export interface Rejection {
  /** In its stream. */
  readonly sequence: number;
  readonly partition: number;
  readonly reason: string;
}

/** What was rejected of a stream as it now is, by sequence. */
export function createRejectionQuery(db: Database.Database): (stream: string) => IterableIterator<Rejection> {
  const select = db.prepare(
    "SELECT sequence, partition, reason FROM dead_letters WHERE stream = ? AND former = 0 ORDER BY sequence",
  );
  return (stream) => select.iterate(stream) as IterableIterator<Rejection>;
}
