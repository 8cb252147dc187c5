import { chmodSync, lstatSync, mkdirSync, readdirSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { type Config, ConfigError } from "../config/config.ts";

/** What natstate keeps in its data directory. */
const OURS = /^(natstate\.(db|json)|instance-id$|nats$|daemons$|left$)/;
/** Of the file system itself. */
const NOBODYS = ["lost+found"];

/**
 * Makes the data directory when it is missing, and what is there its owner's only: events and decisions are nobody else's
 * to read, and whoever could open the lock file could keep natstate from starting.
 *
 * @param warn - told once, in one line, when something stays open to others: not every file system has modes.
 * @throws ConfigError when it cannot be made.
 */
export function takeDataDir(
  { NATSTATE_DATA: path }: Pick<Config, "NATSTATE_DATA">,
  warn: (line: string) => void,
): void {
  try {
    makeDirectory(path);
  } catch (error) {
    throw new ConfigError([
      `NATSTATE_DATA: ${path} cannot be made (${(error as Error).message}): set it to a directory that this user may write`,
    ]);
  }
  const names = readdirSync(path);
  const own = names.filter((name) => OURS.test(name));
  // One that holds other things as well, such as /tmp or a home, is not ours to close.
  const isOurs = own.length === names.filter((name) => !NOBODYS.includes(name)).length;
  const paths = [...own.map((name) => join(path, name)), ...(isOurs ? [path] : [])];
  const open = paths.filter((each) => !keepPrivate(each));
  if (open.length === 0) return;
  warn(
    `other users may get at ${open.join(", ")}: modes cannot be changed there. Keep them out of the directory above it, or set NATSTATE_DATA to a disk of this machine`,
  );
}

/**
 * Leaves alone what another user owns, as the root of a mounted volume, and what only stands for another file.
 *
 * @returns false when it is ours and stays open to others: CIFS, vfat and their like refuse, or do nothing.
 */
function keepPrivate(path: string): boolean {
  const found = lstatSync(path, { throwIfNoEntry: false });
  if (found === undefined || found.uid !== process.getuid?.() || !(found.isFile() || found.isDirectory())) return true;
  if (!isOpen(found.mode)) return true;
  try {
    chmodSync(path, found.mode & 0o700);
    return !isOpen(lstatSync(path).mode);
  } catch {
    // What it needs to write is said by whatever writes.
    return false;
  }
}

function isOpen(mode: number): boolean {
  return (mode & 0o077) !== 0;
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
