import { readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** What a running daemon says about itself, so that other commands find it. */
export interface RuntimeFile {
  readonly pid: number;
  /** May carry user and password: the file is readable by its owner only. */
  readonly natsUrl: string;
  /** Null when the API is off. */
  readonly httpUrl: string | null;
  readonly startedAt: string;
}

/** `<data directory>/natstate.json`. */
export function runtimePath(dataDir: string): string {
  return join(dataDir, "natstate.json");
}

/**
 * Writes it at once, never half; mode 0600.
 *
 * @returns what removes it, unless another daemon has taken the directory since. However the process ends, it is
 *   removed: who is gone is not to be found.
 */
export function writeRuntimeFile(
  dataDir: string,
  { natsUrl, httpUrl }: Pick<RuntimeFile, "natsUrl" | "httpUrl">,
): () => void {
  const path = runtimePath(dataDir);
  const { pid } = process;
  const draft = `${path}.${pid}`;
  const runtime: RuntimeFile = { pid, natsUrl, httpUrl, startedAt: new Date().toISOString() };
  writeFileSync(draft, `${JSON.stringify(runtime, null, 2)}\n`, { mode: 0o600 });
  renameSync(draft, path);
  const remove = () => {
    process.off("exit", remove);
    if (readRuntimeFile(dataDir)?.pid === pid) rmSync(path, { force: true });
  };
  process.once("exit", remove);
  return remove;
}

/** Without zod, which takes longer to load than `natstate health` may take. @returns undefined when there is none, or none that natstate wrote. @throws when only another user may read it. */
export function readRuntimeFile(dataDir: string): RuntimeFile | undefined {
  try {
    const file = JSON.parse(readFileSync(runtimePath(dataDir), "utf8")) as Record<keyof RuntimeFile, unknown>;
    const { pid, natsUrl, httpUrl, startedAt } = file;
    if (!Number.isSafeInteger(pid) || (pid as number) < 1 || typeof natsUrl !== "string" || natsUrl === "") return;
    if (typeof startedAt !== "string" || (httpUrl !== null && typeof httpUrl !== "string")) return;
    return { pid: pid as number, natsUrl, httpUrl, startedAt };
  } catch (error) {
    // It is there, and another user's: natstate may well be running.
    if ((error as NodeJS.ErrnoException).code === "EACCES") throw error;
    return;
  }
}
