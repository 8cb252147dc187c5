import { ConfigError, CRASH_VARIABLE } from "../config/config.ts";
import { CRASH_POINTS, RETENTION_CRASH_POINTS, type ReachCrashPoint } from "../flow/crash-points.ts";

const ALL = [...CRASH_POINTS, ...RETENTION_CRASH_POINTS];

/**
 * Kills this process, as `kill -9` does, when a moment of the path comes for the n-th time:
 * `NATSTATE_TEST_CRASH=<moment>:<n>`, n from 1. For tests; without NODE_ENV=test `readConfig` refuses the variable.
 *
 * @returns undefined when it is not set.
 * @throws ConfigError when it is neither.
 */
export function readCrashPoint(env: NodeJS.ProcessEnv): ReachCrashPoint | undefined {
  const text = env.NODE_ENV === "test" ? env[CRASH_VARIABLE] : undefined;
  if (text === undefined) return undefined;
  const [wanted, count = ""] = text.split(":");
  let left = Number(count);
  if (!ALL.some((moment) => moment === wanted) || !Number.isSafeInteger(left) || left < 1) {
    throw new ConfigError([`${CRASH_VARIABLE}: expected <${ALL.join("|")}>:<n>, got ${JSON.stringify(text)}`]);
  }
  return (moment) => {
    if (moment === wanted && --left === 0) process.kill(process.pid, "SIGKILL");
  };
}
