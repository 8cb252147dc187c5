import { randomUUID } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/**
 * Names a data directory for as long as it is there, to whoever holds the store's lock. Beside the store, not in it: a
 * copy of the store in another directory is another daemon's.
 */
export function readInstanceId(dataDir: string): string {
  const file = join(dataDir, "instance-id");
  const known = existsSync(file) ? readFileSync(file, "utf8").trim() : "";
  if (known !== "") return known;
  const made = randomUUID();
  writeFileSync(file, made);
  return made;
}
