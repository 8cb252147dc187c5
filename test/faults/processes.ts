import type { ChildProcess } from "node:child_process";
import { once } from "node:events";

export const pause = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

/** How a process ended. */
export interface End {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly output: string;
}

/** Waits for the end of a process; one that does not end by itself is aborted. */
export async function endOf(child: ChildProcess, patienceMs: number): Promise<End> {
  let output = "";
  for (const stream of [child.stdout, child.stderr]) stream?.on("data", (chunk) => (output += chunk));
  const timer = setTimeout(() => child.kill("SIGABRT"), patienceMs);
  const [code, signal] = (await once(child, "exit")) as [number | null, NodeJS.Signals | null];
  clearTimeout(timer);
  return { code, signal, output };
}
