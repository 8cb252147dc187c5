import type Database from "better-sqlite3";
import type { AgedDeadLetters } from "../flow/dead-letter-ageing.ts";

/** The rows of dead letters, to be given up. */
export function createDeadLetterRows(db: Database.Database): AgedDeadLetters {
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
