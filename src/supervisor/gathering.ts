import type { MetricObject } from "../ops/metrics.ts";
import type { KeptDaemon } from "./kept-daemon.ts";

/** A daemon that is frozen, or starts, is left out: a scrape has its own time limit, 10 s by default. */
const ANSWER_MS = 2000;

/** Gathers the metrics of all daemons for one that was asked for them. */
export function createGathering() {
  const open = new Map<
    number,
    { readonly waitsFor: Set<KeptDaemon>; add(metrics: readonly MetricObject[]): void; end(): void }
  >();
  let last = 0;
  return {
    /** @param id - its own name for the question. */
    begin(asker: KeptDaemon, id: number, daemons: readonly KeptDaemon[]): void {
      const own = ++last;
      const gathered: (readonly MetricObject[])[] = [];
      const waitsFor = new Set(daemons);
      const end = () => {
        clearTimeout(timer);
        if (open.delete(own)) asker.tell({ kind: "scraped", id, metrics: gathered });
      };
      const timer = setTimeout(end, ANSWER_MS);
      open.set(own, { waitsFor, add: (metrics) => void gathered.push(metrics), end });
      for (const daemon of daemons) daemon.tell({ kind: "collect", id: own });
    },
    collected(from: KeptDaemon, id: number, metrics: readonly MetricObject[]): void {
      const gathering = open.get(id);
      if (gathering === undefined || !gathering.waitsFor.delete(from)) return;
      gathering.add(metrics);
      if (gathering.waitsFor.size === 0) gathering.end();
    },
  };
}
