import { readGiven } from "../config/environment.ts";
import { LEAST_HOT } from "../config/settings.ts";

type Shared = keyof typeof LEAST_HOT;

/**
 * What each of so many daemons has of the memory that one has by default, as settings. What is set is said of each, and
 * stays.
 *
 * @param alone - the settings of a daemon alone.
 */
export function shareOfMemory(
  alone: Readonly<Record<Shared, number>>,
  env: NodeJS.ProcessEnv,
  daemons: number,
): Partial<Record<Shared, string>> {
  const shared = (Object.keys(LEAST_HOT) as Shared[]).filter((name) => readGiven(env, name).text === undefined);
  return Object.fromEntries(
    shared.map((name) => [name, String(Math.max(LEAST_HOT[name], Math.floor(alone[name] / daemons)))]),
  );
}
