import type Database from "better-sqlite3";

/** The rows of dead letters. */
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
