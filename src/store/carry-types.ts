import type Database from "better-sqlite3";
import { movedBy } from "./heard.ts";
import { isKept } from "./staged-actors.ts";

/** What is kept by type; what was learnt of DECISIONS is learnt again. */
const BY_TYPE = [
  "actors",
  "decisions",
  "dead_letters",
  "tallies",
  "quarantine",
  "parked",
  "retired",
  "streams",
  "due_versions",
];
/** What is kept by an actor's key. */
const BY_ACTOR = ["events", "heard_earlier", "anchors"];
/** Of these tables not all rows are anybody's. */
const KEPT: Readonly<Record<string, string>> = {
  actors: isKept("key", "other"),
  decisions: isKept("actor_key", "other"),
};

/**
 * Takes over from another store all that it has of the types nobody names: as it is, for the day on which somebody does.
 *
 * @param types - those that are not taken over, by name.
 * @returns the streams of those that were, for example `CLAIMS`.
 */
export function carryOtherTypes(db: Database.Database, otherFile: string, types: readonly string[]): string[] {
  db.prepare("ATTACH ? AS other").run(otherFile);
  try {
    return db.transaction(() => {
      const streams = db
        .prepare(`SELECT name FROM other.streams WHERE ${notOf(types)} AND name NOT IN (SELECT name FROM main.streams)`)
        .pluck()
        .all(types) as string[];
      if (streams.length > 0) carry(db, types);
      return streams;
    })();
  } finally {
    db.exec("DETACH other");
  }
}

function carry(db: Database.Database, types: readonly string[]): void {
  const lastKey = db.prepare("SELECT coalesce(max(key), 0) FROM main.actors").pluck().get() as number;
  const lastPlace = db.prepare("SELECT coalesce(max(place), 0) FROM main.events").pluck().get() as number;
  db.function("moved", { deterministic: true }, (heard) => movedBy(heard as Uint8Array, lastPlace));
  const moved: Readonly<Record<string, string>> = {
    ...{ key: `key + ${lastKey}`, actor_key: `actor_key + ${lastKey}` },
    ...{ place: `place + ${lastPlace}`, heard: "moved(heard)" },
  };
  const ofOthers = `actor_key IN (SELECT key FROM other.actors WHERE ${notOf(types)})`;
  const into = (table: string, where: string, again: readonly string[] = []) => {
    const columns = db.prepare("SELECT name FROM pragma_table_info(?)").pluck().all(table) as string[];
    // Two stores number their actors, and the events, alike.
    const values = columns.map((name) => moved[name] ?? (again.includes(name) ? "0" : name));
    db.prepare(`INSERT INTO main.${table} (${columns}) SELECT ${values} FROM other.${table} WHERE ${where}`).run(types);
  };
  for (const table of BY_TYPE) into(table, `${notOf(types)} AND ${KEPT[table] ?? "TRUE"}`);
  for (const table of BY_ACTOR) into(table, `${ofOthers} AND ${isKept("actor_key", "other")}`);
  into("checkpoints", `stream IN (SELECT name FROM other.streams WHERE ${notOf(types)})`, ["decisions_sequence"]);
}

function notOf(types: readonly string[]): string {
  return `type NOT IN (${types.map(() => "?").join(", ")})`;
}
