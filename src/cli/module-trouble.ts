import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { basename, dirname, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { asError } from "../actor/as-error.ts";

/** Code of natstate and of packages: what throws there was called from elsewhere. */
const OURS = dirname(import.meta.dirname);
/** `file:///…/actors.ts:3:22`, or the same as a path; in brackets or after `at`, or alone at the beginning of a line. */
const PLACE = /(?:^|\(|at |async )((?:file:\/\/)?\/[^\s():[]+):(\d+)(?::\d+)?\)?\s*$/;
/** What Node says of an import that leads nowhere. */
const NOT_FOUND = /'([^']+)' imported from (\/.+)$/;
const ASK_MS = 10_000;

/** Says what is wrong with a user's module: `actors.ts:3: no luck`. @param file - the module, if the error does not name one. */
export function tellTrouble(thrown: unknown, file: string): string {
  // What is no error knows no place.
  const place = thrown instanceof Error ? placeOf(thrown, file) : undefined;
  return `${place ?? shown(file)}: ${asError(thrown).message}`;
}

/** Where a module says what it exports as the actor types: `actors.ts:12`; without a line when it does not. */
export function placeOfExport(file: string): string {
  return at(file, (line) => /^export (default|const actorTypes)\b/.test(line)) ?? shown(file);
}

function placeOf(error: Error, file: string): string | undefined {
  const [, specifier = "", importer] = NOT_FOUND.exec(error.message) ?? [];
  if (importer !== undefined) return at(importer, (line) => /["']/.test(line) && line.includes(basename(specifier)));
  const place = userPlace(error.stack ?? "");
  if (place !== undefined || !(error instanceof SyntaxError)) return place;
  // Of JavaScript, Node tells the place to nobody but a terminal. Nothing of it runs: it cannot be parsed.
  return userPlace(spawnSync(process.execPath, [file], { encoding: "utf8", timeout: ASK_MS }).stderr);
}

/** The first place in a stack that is in the user's own code. */
function userPlace(stack: string): string | undefined {
  for (const line of stack.split("\n")) {
    const [, path = "", number] = PLACE.exec(line) ?? [];
    if (number === undefined) continue;
    const file = path.startsWith("file:") ? fileURLToPath(path) : path;
    if (!file.includes("/node_modules/") && !file.startsWith(`${OURS}/`)) return `${shown(file)}:${number}`;
  }
  return undefined;
}

/** The first such line of a file, as `file:line`. */
function at(file: string, isIt: (line: string) => boolean): string | undefined {
  const index = readFileSync(file, "utf8").split("\n").findIndex(isIt);
  return index < 0 ? undefined : `${shown(file)}:${index + 1}`;
}

/** As one would write it here. */
function shown(file: string): string {
  const near = relative("", file);
  return near.startsWith("..") ? file : near;
}
