import { readFileSync } from "node:fs";
import { registerHooks } from "node:module";
import { pathToFileURL } from "node:url";
import Database from "better-sqlite3";

/*
 * Loaded into a daemon before its own code (`node --import`), for what cannot be done to it from outside: another clock,
 * a full disk, a slow one. It obeys a file that is read again and again. FAULTS_REGISTRY names a module that takes the
 * place of machines/registry.ts.
 */

/** What the file holds, JSON; absent fields are as usual. */
export interface Inside {
  /** The wall clock is so far ahead, or behind when negative. */
  readonly clockAheadMs?: number;
  /** No commit may make the database larger than this many pages. */
  readonly maxPages?: number;
  /** Every transaction of the store takes so much longer, with the write lock held. */
  readonly commitDelayMs?: number;
}

const file = process.env.FAULTS_CONTROL ?? "";
const UNLIMITED_PAGES = 1_073_741_823;
const writers = new Set<Database.Database>();
let control: Inside = {};

const registry = process.env.FAULTS_REGISTRY;
if (registry !== undefined) {
  registerHooks({
    resolve: (specifier, context, next) =>
      next(specifier.endsWith("machines/registry.ts") ? pathToFileURL(registry).href : specifier, context),
  });
}

obey();
setInterval(obey, 50).unref();

function obey(): void {
  try {
    control = JSON.parse(readFileSync(file, "utf8")) as Inside;
  } catch {
    return;
  }
  for (const db of writers) if (db.open) db.pragma(`max_page_count = ${control.maxPages ?? UNLIMITED_PAGES}`);
}

const RealDate = Date;
const now = () => RealDate.now() + (control.clockAheadMs ?? 0);
globalThis.Date = new Proxy(RealDate, {
  construct: (target, given, newTarget) => Reflect.construct(target, given.length === 0 ? [now()] : given, newTarget),
  apply: () => new RealDate(now()).toString(),
  get: (target, name) => (name === "now" ? now : Reflect.get(target, name)),
});

const transaction = Database.prototype.transaction;
Database.prototype.transaction = function slowed(work) {
  writers.add(this);
  return transaction.call(this, (...given: never[]) => {
    const delayMs = control.commitDelayMs ?? 0;
    if (delayMs > 0) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, delayMs);
    return work(...given);
  }) as never;
};
