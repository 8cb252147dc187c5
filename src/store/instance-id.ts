import { randomUUID } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const FILE = "instance-id";

/**
 * Names a data directory for as long as it is there, to whoever holds the store's lock. Beside the store, not in it: a
 * copy of the store in another directory is another daemon's.
 */
export function readInstanceId(dataDir: string): string {
  const known = knownInstanceId(dataDir);
  if (known !== undefined) return known;
  const made = randomUUID();
  writeFileSync(join(dataDir, FILE), made);
  return made;
}

/** @returns undefined when no daemon has run on this directory. */
export function knownInstanceId(dataDir: string): string | undefined {
  const file = join(dataDir, FILE);
  const known = existsSync(file) ? readFileSync(file, "utf8").trim() : "";
  return known === "" ? undefined : known;
}
