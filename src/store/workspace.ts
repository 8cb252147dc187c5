import { mkdtempSync, readdirSync, rmSync, statSync } from "node:fs";
import { basename, dirname, join } from "node:path";

/** A directory beside a store, for one process and for as long as its work takes. */
export interface Workspace {
  readonly directory: string;
  remove(): void;
}

/** What a process that was killed has left. */
export interface Leftover {
  readonly directory: string;
  readonly bytes: number;
}

/** Opens one, and removes what killed processes have left; it goes with the process, however that ends, but for a kill. */
export function openWorkspace(storeFile: string): Workspace {
  for (const { directory } of findLeftovers(storeFile)) rmSync(directory, { recursive: true, force: true });
  const directory = mkdtempSync(`${prefixOf(storeFile)}${process.pid}-`);
  const remove = () => {
    process.off("exit", remove);
    rmSync(directory, { recursive: true, force: true });
  };
  process.on("exit", remove);
  return { directory, remove };
}

/** Those of processes that no longer run. */
export function findLeftovers(storeFile: string): Leftover[] {
  const place = dirname(storeFile);
  const prefix = basename(prefixOf(storeFile));
  return namesIn(place)
    .filter((name) => name.startsWith(prefix) && !isRunning(Number.parseInt(name.slice(prefix.length), 10)))
    .map((name) => ({ directory: join(place, name), bytes: sizeOf(join(place, name)) }));
}

function prefixOf(storeFile: string): string {
  return `${storeFile}.verify-`;
}

function namesIn(directory: string): string[] {
  try {
    return readdirSync(directory);
  } catch {
    return [];
  }
}

function sizeOf(directory: string): number {
  const sizes = namesIn(directory).map((name) => statSync(join(directory, name), { throwIfNoEntry: false })?.size ?? 0);
  return sizes.reduce((sum, size) => sum + size, 0);
}

/** In earlier versions no process was named. */
function isRunning(pid: number): boolean {
  if (!Number.isSafeInteger(pid) || pid <= 0) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== "ESRCH";
  }
}
