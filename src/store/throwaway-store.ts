import Database from "better-sqlite3";
import type { Journal } from "../flow/journal.ts";
import type { ImportedDecision, Outbox } from "../flow/outbox.ts";
import type { Pieces } from "../flow/pieces.ts";
import type { PublishedDecision, RetiredRow } from "../flow/rows.ts";
import { createJournal } from "./journal.ts";
import { createOutbox } from "./outbox.ts";
import { carryRetired } from "./retired.ts";
import { migrate } from "./schema.ts";
import { createImages, type Images } from "./stored-actor.ts";

/** A store to derive actors in and compare: with the schema of a real one, but nobody else will ever see it. */
export interface ThrowawayStore {
  readonly journal: Journal;
  readonly outbox: Outbox;
  readonly images: Images;
  /** Of these nothing is to be derived. */
  noteRetired(rows: Iterable<RetiredRow>): void;
  /** Keeps what DECISIONS holds, so that it can be asked for by actor. */
  notePublished(type: string, found: readonly ImportedDecision[]): void;
  /** By sequence. */
  published(type: string, actorId: string): PublishedDecision[];
  /** Lets `work` write, and takes it all back when it has ended. One at a time. */
  undone<Result>(work: Pieces<Result>): Pieces<Result>;
  close(): void;
}

/** @param file - absent: in memory. A crash may leave anything in it. */
export function openThrowawayStore(file = ":memory:"): ThrowawayStore {
  const db = new Database(file);
  db.pragma("journal_mode = MEMORY");
  db.pragma("synchronous = OFF");
  migrate(db);
  db.exec(`CREATE TABLE published (type TEXT, actor_id TEXT, sequence INTEGER, revision INTEGER, payload TEXT,
    PRIMARY KEY (type, actor_id, sequence)) WITHOUT ROWID`);
  const insertPublished = db.prepare("INSERT OR REPLACE INTO published VALUES (?, ?, ?, ?, ?)");
  const selectPublished = db.prepare(`SELECT revision, payload, sequence FROM published
    WHERE type = ? AND actor_id = ? ORDER BY sequence`);
  return {
    journal: createJournal(db),
    outbox: createOutbox(db),
    images: createImages(db),
    noteRetired: (rows) => carryRetired(db, rows, []),
    notePublished: db.transaction((type: string, found: readonly ImportedDecision[]) => {
      for (const { actorId, sequence, revision, payload } of found) {
        insertPublished.run(type, actorId, sequence, revision, payload);
      }
    }),
    published: (type, actorId) => selectPublished.all(type, actorId) as PublishedDecision[],
    *undone(work) {
      db.exec("BEGIN");
      try {
        return yield* work;
      } finally {
        db.exec("ROLLBACK");
      }
    },
    close: () => void db.close(),
  };
}
