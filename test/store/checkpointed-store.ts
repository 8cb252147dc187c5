import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach } from "vitest";
import { startCheckpoints } from "../../src/store/checkpoints.ts";
import { type OpenDatabase, openDatabase } from "../../src/store/database.ts";

export let file: string;
export let store: OpenDatabase;
/** What the checkpoints of the test have told. */
export let troubles: string[];

/** A store that can be filled, for each test. */
export function useStore(): void {
  let dir: string;
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), "natstate-checkpoints-"));
    file = join(dir, "natstate.db");
    store = openDatabase(file);
    store.db.exec("CREATE TABLE filler (body BLOB)");
    troubles = [];
  });
  afterEach(() => {
    store.close();
    rmSync(dir, { recursive: true });
  });
}

export function start(db = store.db): () => Promise<void> {
  return startCheckpoints(db, file, (error) => troubles.push(error.message));
}

/** One commit of so many MiB. */
export function fill(mebibytes: number): void {
  const insert = store.db.prepare("INSERT INTO filler VALUES (zeroblob(1048576))");
  store.db.transaction(() => {
    for (let count = 0; count < mebibytes; count++) insert.run();
  })();
}
