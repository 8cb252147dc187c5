import { join } from "node:path";
import type { DaemonProcess } from "../e2e/daemon-process.ts";
import { until } from "../until.ts";
import type { Stage } from "./stage.ts";

/** Generous: the machine may be shared by many. */
const PATIENCE_MS = 60_000;

/** A second daemon, beside that of `world.dataDir`. */
export function startOther(world: Stage): Promise<DaemonProcess> {
  return world.start({ dataDir: join(world.dataDir, "other") });
}

/** Resolves when each reads half of the partitions. */
export async function bothRead(one: DaemonProcess, other: DaemonProcess): Promise<void> {
  await until(
    "half of the partitions each",
    async () => (await reads(one)) === 8 && (await reads(other)) === 8,
    PATIENCE_MS,
  );
}

/** Resolves when it reads every partition. */
export async function readsAll(daemon: DaemonProcess): Promise<void> {
  await until("all partitions are taken over", async () => (await reads(daemon)) === 16, PATIENCE_MS);
}

/** How many partitions it reads. */
async function reads(daemon: DaemonProcess): Promise<number> {
  const { checks } = (await (await fetch(`${daemon.httpUrl}/readyz`)).json()) as {
    checks: { partitions: { detail: string } };
  };
  return Number(/^(\d+) of/.exec(checks.partitions.detail)?.[1] ?? 0);
}
