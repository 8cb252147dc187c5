import cluster from "node:cluster";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import type { Daemon } from "../daemon/daemon.ts";
import type { Siblings } from "../daemon/parts.ts";
import { endOrphan } from "../nats-server/owner.ts";
import type { Check } from "../ops/health.ts";
import { type MetricObject, renderAll } from "../ops/metrics.ts";
import { isStoreHeld } from "../store/database.ts";
import type { FromDaemon, Sibling, Supervision, ToDaemon } from "./messages.ts";

const LOOK_EVERY_MS = 500;
/** More than the supervisor waits for the slowest. */
const SCRAPE_MS = 4000;
const SERVER_ENDS_MS = 5000;

/**
 * A daemon's own end of what ties it to its supervisor.
 *
 * In the process of a daemon that a supervisor has started: hears it.
 *
 * @param onEnd - it is to end, because the supervisor says so or is gone.
 */
export function beSupervised(supervision: Supervision, onEnd: (isOrphan: boolean) => void) {
  const metrics = createScrapes();
  const { promise: pageToken, resolve: tellPageToken } = Promise.withResolvers<string>();
  let known: readonly Sibling[] = [];
  process.on("message", (message: ToDaemon) => {
    switch (message.kind) {
      case "stop":
        onEnd(false);
        break;
      case "page_token":
        tellPageToken(message.pageToken);
        break;
      case "siblings":
        known = message.siblings;
        break;
      case "collect":
        void metrics.tellOwn(message.id);
        break;
      case "scraped":
        metrics.scraped(message.id, message.metrics);
        break;
      default:
        message satisfies never;
    }
  });
  cluster.worker?.once("disconnect", () => {
    // Otherwise Node ends this process now, and with it what it has not published.
    if (cluster.worker !== undefined) cluster.worker.exitedAfterDisconnect = true;
    onEnd(true);
  });
  return {
    siblings: {
      daemon: String(supervision.daemon),
      pageToken,
      meet: metrics.meet,
      check: () => checkOthers(supervision.daemon, known),
      scrape: metrics.scrape,
    } satisfies Siblings,
    tell,
    /** Tells again and again what the daemon says of itself, until it ends. */
    follow,
    /** Once those that are wanted are ready, gives them all partitions, and says so. @throws the reason of the signal. */
    async leave(daemon: Daemon, signal: AbortSignal): Promise<void> {
      while (!checkOthers(supervision.daemon, known).ok) await delay(LOOK_EVERY_MS, undefined, { signal });
      await daemon.leave(signal);
      tell({ kind: "left" });
    },
    /** To be called when it has closed all: without a supervisor, the last one ends the nats-server that was theirs. */
    leaveNothing: (log: (line: string) => void) => leaveNothing(supervision, log),
  };
}

function tell(message: FromDaemon): void {
  // Who has no supervisor any more is ending.
  if (process.connected) process.send?.(message, undefined, undefined, () => {});
}

function createScrapes() {
  let collect: () => Promise<readonly MetricObject[]> = async () => [];
  const waiting = new Map<number, (metrics: readonly (readonly MetricObject[])[]) => void>();
  let last = 0;
  return {
    meet(collectOwn: typeof collect) {
      collect = collectOwn;
    },
    async tellOwn(id: number) {
      tell({ kind: "collected", id, metrics: await collect() });
    },
    scraped(id: number, metrics: readonly (readonly MetricObject[])[]) {
      waiting.get(id)?.(metrics);
    },
    async scrape() {
      const id = ++last;
      const { promise, resolve } = Promise.withResolvers<readonly (readonly MetricObject[])[]>();
      waiting.set(id, resolve);
      tell({ kind: "scrape", id });
      const gathered = await Promise.race([promise, delay(SCRAPE_MS, undefined, { ref: false })]);
      waiting.delete(id);
      return renderAll(gathered ?? [await collect()]);
    },
  };
}

function checkOthers(own: number, known: readonly Sibling[]): Check {
  const others = known.filter(({ daemon }) => daemon !== own);
  const troubles = others.flatMap(({ trouble }) => trouble ?? []);
  if (known.length === 0) return { ok: false, detail: "how the others of this machine are is not known yet" };
  if (troubles.length > 0) return { ok: false, detail: troubles.join("; ") };
  const all = others.length === 0 ? "there are no others" : `the other ${others.length} are ready`;
  return { ok: true, detail: `daemon ${own} of this machine answers, ${all}` };
}

function follow(daemon: Daemon): void {
  const look = () => {
    const { ready, checks } = daemon.health();
    const failing = Object.entries(checks).flatMap(([name, { ok }]) => (ok ? [] : [name]));
    tell({ kind: "health", ready, failing });
  };
  look();
  setInterval(look, LOOK_EVERY_MS).unref();
}

async function leaveNothing({ natsDir, directories }: Supervision, log: (line: string) => void): Promise<void> {
  if (process.connected || natsDir === null) return;
  // Whoever is not the last one leaves it to the others.
  if (directories.some((path) => isStoreHeld(join(path, "natstate.db")))) return;
  await endOrphan(natsDir, log, SERVER_ENDS_MS);
}
