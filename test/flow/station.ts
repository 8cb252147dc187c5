import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type Database from "better-sqlite3";
import type { Delivery } from "../../src/flow/delivery.ts";
import { createHotActors, type HotActors } from "../../src/flow/hot-actors.ts";
import type { Journal } from "../../src/flow/journal.ts";
import type { Outbox } from "../../src/flow/outbox.ts";
import { createProcessor, type Processor } from "../../src/flow/processor.ts";
import { openDatabase } from "../../src/store/database.ts";
import { createJournal } from "../../src/store/journal.ts";
import { createOutbox } from "../../src/store/outbox.ts";

/** The processor on a real SQLite file, without NATS. */
export interface Station extends Disposable {
  readonly file: string;
  readonly db: Database.Database;
  readonly journal: Journal;
  readonly outbox: Outbox;
  readonly actors: HotActors;
  readonly processor: Processor;
  /** Types and ids of actors that had to be rebuilt. */
  readonly rebuilt: string[];
  /** The order's row. */
  row(id: string): Record<string, unknown>;
  /** Payloads in the ledger, by revision. */
  decisions(id: string): Record<string, unknown>[];
}

/** Opens a store in a directory of its own; `using` removes it. */
export function openStation(limits = { maxBytes: 65_536 }, capacity = 4000, hotBytes?: number): Station {
  const directory = mkdtempSync(join(tmpdir(), "natstate-station-"));
  const file = join(directory, "natstate.db");
  const { db, close } = openDatabase(file);
  const journal = createJournal(db);
  const rebuilt: string[] = [];
  const actors = createHotActors(journal, capacity, (type, id) => rebuilt.push(`${type.name}/${id}`), hotBytes);
  return {
    file,
    db,
    journal,
    outbox: createOutbox(db),
    actors,
    processor: createProcessor(journal, actors, limits),
    rebuilt,
    row: (id) => db.prepare("SELECT * FROM actors WHERE id = ?").get(id) as Record<string, unknown>,
    decisions: (id) =>
      db
        .prepare("SELECT payload FROM decisions WHERE actor_id = ? ORDER BY revision")
        .pluck()
        .all(id)
        .map((payload) => JSON.parse(payload as string) as Record<string, unknown>),
    [Symbol.dispose]() {
      close();
      rmSync(directory, { recursive: true });
    },
  };
}

/** Applies each delivery as a batch of its own. */
export function applyEach(station: Station, deliveries: readonly Delivery[]): void {
  for (const delivery of deliveries) station.processor.apply([delivery]);
}
