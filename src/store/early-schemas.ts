import Database from "better-sqlite3";

/** The last schema whose number does not say for certain what a store has. */
export const LAST_EARLY_SCHEMA = 6;

/**
 * Gives a store of an early schema what its number says it has. The first migration was edited in place at first, and the
 * third and the fifth came after the ones behind them had been applied.
 *
 * In one transaction: a store is as it was, or complete.
 *
 * @param scripts - the migrations' SQL, in order.
 * @returns the number of the schema that the store then has.
 */
export function completeEarlySchema(db: Database.Database, scripts: readonly string[]): number {
  return db.transaction(() => {
    const before = db.pragma("user_version", { simple: true }) as number;
    if (before === 0 || before > LAST_EARLY_SCHEMA) return before;
    completeFirst(db, scripts[0] ?? "");
    let version = before;
    if (version >= 3 && !hasColumn(db, "events", "conflicts")) {
      db.exec(scripts[2] ?? "");
      if (version === 3) version = 4;
    }
    if (version >= 5 && !has(db, "dead_letters_told")) {
      db.exec(scripts[4] ?? "");
      if (version === 5) version = 6;
    }
    db.pragma(`user_version = ${version}`);
    return version;
  })();
}

interface SchemaObject {
  readonly name: string;
  readonly sql: string;
}

function completeFirst(db: Database.Database, first: string): void {
  const objects = objectsOf(first);
  const actors = objects.find(({ name }) => name === "actors");
  if (actors !== undefined && !hasColumn(db, "actors", "incomplete")) addIncomplete(db, actors.sql);
  for (const { name, sql } of objects) if (!has(db, name)) db.exec(sql);
}

/** Tables first. */
function objectsOf(script: string): SchemaObject[] {
  const db = new Database(":memory:");
  try {
    db.exec(script);
    const select = "SELECT name, sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY type = 'index'";
    return db.prepare(select).all() as SchemaObject[];
  } finally {
    db.close();
  }
}

/** By a table made anew: a column that is added stands behind the snapshot, and every list would read that, too. */
function addIncomplete(db: Database.Database, sql: string): void {
  const columns = (db.pragma("table_info(actors)") as { name: string }[]).map(({ name }) => name).join(", ");
  db.exec(`ALTER TABLE actors RENAME TO actors_early;
    ${sql};
    INSERT INTO actors (${columns}, incomplete) SELECT ${columns}, completeness < 100 FROM actors_early;
    DROP TABLE actors_early`);
}

function has(db: Database.Database, name: string): boolean {
  return db.prepare("SELECT 1 FROM sqlite_schema WHERE name = ?").get(name) !== undefined;
}

function hasColumn(db: Database.Database, table: string, column: string): boolean {
  return (db.pragma(`table_info(${table})`) as { name: string }[]).some(({ name }) => name === column);
}
