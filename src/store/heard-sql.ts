import type Database from "better-sqlite3";
import { countIn, findIn, hashOf, hasTypeIn } from "./heard.ts";

/** Lets a connection's statements ask what rows say of heard events. */
export function defineHeardFunctions(db: Database.Database): void {
  const define = (name: string, of: (...values: never[]) => number | boolean) =>
    db.function(name, { deterministic: true, varargs: true }, (...values) => Number(of(...(values as never[]))));
  // No row, nothing heard.
  define("has_type", (heard: Uint8Array | null, type: number) => heard !== null && hasTypeIn(heard, type));
  define("has_place", (heard: Uint8Array, type: string, eventId: string, place: number) =>
    findIn(heard, hashOf({ type, eventId })).includes(place),
  );
  define("count_heard", countIn);
  define("type_hash", (type: string) => hashOf({ type, eventId: "" }).type);
  define("id_hash", (eventId: string) => hashOf({ type: "", eventId }).id);
}
