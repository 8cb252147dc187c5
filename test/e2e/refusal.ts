import { once } from "node:events";
import { spawnDaemon } from "./daemon-process.ts";

/** Starts a daemon that is expected to refuse. */
export async function refusal(
  env: Record<string, string>,
  args: readonly string[] = [],
): Promise<{ code: number | null; output: string }> {
  const child = spawnDaemon(env, args);
  let output = "";
  for (const stream of [child.stdout, child.stderr]) stream?.on("data", (chunk) => (output += chunk));
  const [code] = await once(child, "exit");
  return { code, output };
}
