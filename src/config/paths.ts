import { accessSync, constants, readFileSync, statSync } from "node:fs";
import { fileVariables } from "./settings.ts";

/**
 * What is wrong with the paths that settings name, a line each: a connection would say `ENOENT` and leave open which of its
 * files it means.
 */
export function unusablePaths(given: Readonly<Record<string, string>>): string[] {
  const problems = fileVariables().flatMap((name) => {
    const path = given[name];
    const problem = path === undefined ? undefined : unreadable(path);
    return problem === undefined ? [] : [`${name}: ${path} ${problem}`];
  });
  const data = given.NATSTATE_DATA;
  const found = data === undefined ? undefined : statSync(data, { throwIfNoEntry: false });
  if (found !== undefined && !found.isDirectory()) problems.push(`NATSTATE_DATA: ${data} is not a directory`);
  return problems;
}

function unreadable(path: string): string | undefined {
  try {
    accessSync(path, constants.R_OK);
    const found = statSync(path);
    if (found.isDirectory()) return "is a directory, expected a file";
    // One that is not filled yet: to go on without would be to do something else than was asked for.
    return found.isFile() && readFileSync(path, "utf8").trim() === "" ? "is empty" : undefined;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    return code === "ENOENT" ? "is not there" : `cannot be read (${code})`;
  }
}
