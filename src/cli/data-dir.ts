import { chmodSync, lstatSync, mkdirSync, readdirSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { type Config, ConfigError } from "../config.ts";

/** What natstate keeps in its data directory. */
const OURS = /^(natstate\.(db|json)|instance-id$|nats$)/;
/** Of the file system itself. */
const NOBODYS = ["lost+found"];

/**
 * Makes the data directory when it is missing, and what is there its owner's only: events and decisions are nobody else's
 * to read, and whoever could open the lock file could keep natstate from starting.
 *
 * @throws ConfigError when it cannot be made.
 */
export function takeDataDir({ NATSTATE_DATA: path }: Pick<Config, "NATSTATE_DATA">): void {
  try {
    makeDirectory(path);
  } catch (error) {
    throw new ConfigError([
      `NATSTATE_DATA: ${path} cannot be made (${(error as Error).message}): set it to a directory that this user may write`,
    ]);
  }
  const names = readdirSync(path);
  const own = names.filter((name) => OURS.test(name));
  for (const name of own) keepPrivate(join(path, name));
  // One that holds other things as well, such as /tmp or a home, is not ours to close.
  if (own.length === names.filter((name) => !NOBODYS.includes(name)).length) keepPrivate(path);
}

/** Leaves alone what another user owns, as the root of a mounted volume, and what only stands for another file. */
function keepPrivate(path: string): void {
  const found = lstatSync(path, { throwIfNoEntry: false });
  if (found === undefined || found.uid !== process.getuid?.() || !(found.isFile() || found.isDirectory())) return;
  if ((found.mode & 0o077) !== 0) chmodSync(path, found.mode & 0o700);
}

/**
 * One directory after the other: `mkdir` with `recursive` asks for ever where the file system answers ENOENT to every
 * attempt, as /proc does.
 */
function makeDirectory(path: string): void {
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory()) return;
  if (dirname(path) !== path) makeDirectory(dirname(path));
  try {
    mkdirSync(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    if (!statSync(path).isDirectory()) throw new Error(`${path} is not a directory`, { cause: error });
  }
}
