import type Database from "better-sqlite3";
import type { ActorType } from "../actor/actor-type.ts";
import type { DeadLetterHead, FullDeadLetter, StoredRows } from "../answers/stored-rows.ts";
import type { Journal } from "../flow/journal.ts";
import { DEAD_LETTERS } from "./tables.ts";

/** What DEAD_LETTERS says of a sequence may be another one's word: only the same bytes are the same dead letter. */
export function createDeadLetterRecord(db: Database.Database): Journal["recordDeadLetter"] {
  const { into, valuesOf } = DEAD_LETTERS.insert();
  const told = DEAD_LETTERS.without("stream", "sequence", "former");
  const upsert = db.prepare(`INSERT ${into} ON CONFLICT DO UPDATE SET ${DEAD_LETTERS.excluded(told)}
    WHERE subject <> excluded.subject OR body <> excluded.body`);
  return (row) => upsert.run(valuesOf({ ...row, published: null })).changes === 1;
}

const HEAD_COLUMNS = `${DEAD_LETTERS.select(["stream", "sequence", "reason", "error", "subject", "storedAtMs"])},
  length(body) AS bytes, published AS publishedSequence`;

const IS_ASKED_ABOUT = "(:partitions IS NULL OR partition IN (SELECT value FROM json_each(:partitions)))";

/**
 * Questions about what could not be applied.
 *
 * @param maxScannedRows - after which a page ends, full or not.
 */
export function createDeadLetterQueries(
  db: Database.Database,
  maxScannedRows: number,
): Pick<StoredRows, "deadLetters" | "deadLetter"> {
  const prepare = (walk: string) => {
    const order = "AND sequence < :before ORDER BY sequence DESC";
    return {
      page: db.prepare(`SELECT * FROM (SELECT ${HEAD_COLUMNS}, partition FROM dead_letters ${walk} ${order}
        LIMIT :scanned) WHERE ${IS_ASKED_ABOUT} LIMIT :limit`),
      end: db.prepare(`SELECT sequence FROM dead_letters ${walk} ${order} LIMIT 1 OFFSET :scanned - 1`).pluck(),
    };
  };
  const all = prepare("INDEXED BY dead_letters_by_sequence WHERE type = :type");
  const ofReason = prepare("INDEXED BY dead_letters_by_reason WHERE type = :type AND reason = :reason");
  const selectOne = db.prepare(`SELECT ${HEAD_COLUMNS}, headers, body FROM dead_letters
    INDEXED BY dead_letters_by_sequence WHERE type = :type AND sequence = :sequence AND ${IS_ASKED_ABOUT}`);
  const bind = ({ name: type }: ActorType, partitions?: readonly number[]) => ({
    type,
    partitions: partitions === undefined ? null : JSON.stringify(partitions),
  });
  return {
    deadLetters(type, { reason, limit, after: [before] = [Number.MAX_SAFE_INTEGER] }, partitions) {
      const { page, end } = reason === undefined ? all : ofReason;
      const place = { ...bind(type, partitions), reason, before, scanned: maxScannedRows };
      const found = page.all({ ...place, limit: limit + 1 }) as (DeadLetterHead & { readonly partition: number })[];
      const rows = found.slice(0, limit).map(({ partition: _, ...head }) => head);
      // A short page is the last one, unless it ended because it had looked at enough rows.
      return { rows, end: found.length > limit ? rows.at(-1)?.sequence : (end.get(place) as number | undefined) };
    },
    deadLetter: (type, sequence, partitions) =>
      selectOne.get({ ...bind(type, partitions), sequence }) as FullDeadLetter | undefined,
  };
}

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

/** The rows of dead letters of which the streams hold nothing any more. */
export interface AgedDeadLetters {
  /**
   * Gives up rows of which neither stream holds anything any more, one transaction. Looks at `limit` published ones, by
   * their sequence in DEAD_LETTERS, behind `after`.
   *
   * A row says that its message was told already. It is asked only when that message is delivered, learnt from
   * DEAD_LETTERS or compared: all of that begins at the first message of a stream, also for who reads it anew. So with
   * both of them gone it is never asked again, and nothing is told twice.
   *
   * @returns how many, and the place to go on from; null at the end.
   */
  forget(
    type: string,
    held: { readonly firstEvent: number; readonly firstDeadLetter: number },
    after: number,
    limit: number,
  ): { forgotten: number; last: number | null };
}

export function createAgedDeadLetters(db: Database.Database): AgedDeadLetters {
  const select = db.prepare(`SELECT rowid, published, sequence, former FROM dead_letters INDEXED BY dead_letters_told
    WHERE type = ? AND published > ? AND published < ? ORDER BY published LIMIT ?`);
  const remove = db.prepare("DELETE FROM dead_letters WHERE rowid = ?");
  interface Row {
    readonly rowid: number;
    readonly published: number;
    readonly sequence: number;
    readonly former: number;
  }
  return {
    forget: db.transaction((type: string, { firstEvent, firstDeadLetter }, after: number, limit: number) => {
      const rows = select.all(type, after, firstDeadLetter, limit) as Row[];
      const aged = rows.filter(({ sequence, former }) => former !== 0 || sequence < firstEvent);
      for (const { rowid } of aged) remove.run(rowid);
      return { forgotten: aged.length, last: rows.at(-1)?.published ?? null };
    }),
  };
}
