import { join } from "node:path";
import Database from "better-sqlite3";
import type { DaemonProcess } from "./daemon-process.ts";
import { getJson } from "./world.ts";

/** How many partitions a daemon reads, as its `/readyz` says; 0 for one that stands by. */
export async function partitions(daemon: DaemonProcess): Promise<number> {
  const { checks } = await getJson(daemon, "/readyz");
  return Number(/^(\d+) of/.exec(checks.partitions.detail)?.[1] ?? 0);
}

/** How many partitions a store knows to have read up to a sequence. */
export function completeTo(dataDir: string, sequence: number): number {
  const db = new Database(join(dataDir, "natstate.db"), { readonly: true });
  try {
    return db
      .prepare("SELECT count(*) FROM checkpoints WHERE max(sequence, complete_to) >= ?")
      .pluck()
      .get(sequence) as number;
  } finally {
    db.close();
  }
}
