import type Database from "better-sqlite3";
import type { KnownOutboxStream, OutboxStreams } from "../flow/outbox.ts";

interface StreamRow {
  readonly created: string;
  readonly sequence: number;
  readonly mark: string | null;
}

/** The store's records of DECISIONS and DEAD_LETTERS. */
export function createOutboxStreams(db: Database.Database): OutboxStreams {
  const select = db.prepare("SELECT created, sequence, mark FROM outbox_streams WHERE name = ?");
  const upsert = db.prepare(`INSERT INTO outbox_streams (name, created) VALUES (?, ?)
    ON CONFLICT DO UPDATE SET created = excluded.created`);
  /** @param column - of `checkpoints`: how far the stream is known. */
  const prepare = (table: string, column: string) => ({
    end: db.prepare(`SELECT coalesce(max(${column}), 0) FROM checkpoints`).pluck(),
    forget: db.prepare(`UPDATE ${table} SET published = NULL WHERE published >= ?`),
    goBack: db.prepare(`UPDATE checkpoints SET ${column} = min(${column}, ?)`),
  });
  const statements = new Map([
    ["DECISIONS", prepare("decisions", "decisions_sequence")],
    ["DEAD_LETTERS", prepare("dead_letters", "dead_letters_sequence")],
  ]);
  const forgetLast = db.prepare("UPDATE outbox_streams SET sequence = 0, mark = NULL WHERE name = ?");
  const forgetLearnt = db.prepare("DELETE FROM imported_decisions WHERE sequence >= ?");

  function of(name: string) {
    const found = statements.get(name);
    if (found === undefined) throw new RangeError(`${name} is no outbox stream`);
    return found;
  }

  return {
    find: db.transaction((name: string): KnownOutboxStream | undefined => {
      const row = select.get(name) as StreamRow | undefined;
      if (row === undefined) return undefined;
      const { created, sequence, mark } = row;
      const end = Math.max(of(name).end.get() as number, sequence);
      return { created, end, last: mark === null ? null : { sequence, mark } };
    }),
    save: (name, created) => void upsert.run(name, created),
    forgetFrom: db.transaction((name: string, sequence: number) => {
      const { forget, goBack } = of(name);
      goBack.run(sequence - 1);
      forgetLast.run(name);
      if (name === "DECISIONS") forgetLearnt.run(sequence);
      return forget.run(sequence).changes;
    }),
  };
}
