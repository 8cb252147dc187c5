import { mkdirSync, statSync } from "node:fs";
import { dirname } from "node:path";
import { type Config, ConfigError } from "../config.ts";

/**
 * Makes the data directory when it is missing.
 *
 * @throws ConfigError when it cannot be made.
 */
export function makeDataDir({ NATSTATE_DATA: path }: Pick<Config, "NATSTATE_DATA">): void {
  try {
    makeDirectory(path);
  } catch (error) {
    throw new ConfigError([`NATSTATE_DATA: ${path} cannot be made: ${(error as Error).message}`]);
  }
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
