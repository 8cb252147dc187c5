import { createCopyGiving } from "../members/copy-giving.ts";
import { createCopyLanes } from "../members/copy-lanes.ts";
import { createCopySources } from "../members/copy-sources.ts";
import { createCopyTaking } from "../members/copy-taking.ts";
import { CopyError } from "../members/copy-wire.ts";
import type { Lane } from "../wire/lanes.ts";
import type { Copying, DaemonOptions, Parts } from "./parts.ts";

type CopyingParts = Pick<Parts, "store" | "connection" | "streams" | "own" | "path" | "instance" | "logger"> &
  Pick<DaemonOptions, "signal">;

/** Gives what the store has of a lane to daemons that ask, and takes from them what it lacks. */
export function openCopying(parts: CopyingParts, stack: AsyncDisposableStack): Copying {
  const { store, connection, streams, own, path, instance, logger, signal } = parts;
  const { nc, jsm } = connection.session;
  const taken = new AbortController();
  const listeners: (() => void)[] = [];
  let copied: { readonly what: string; rows: number } | undefined;
  const giving = createCopyGiving({
    copies: store.copies,
    lanes: streams.lanes.all,
    maxPayload: () => nc.info?.max_payload ?? Number.POSITIVE_INFINITY,
    onTrouble: (error) => logger.warn({ err: error }, "a copy for another daemon could not be read"),
  });
  const taking = createCopyTaking({
    ...{ nc, store, onAdopting: path.forget, ended: taken.signal },
    isRead: (lane) => own.taken().includes(lane),
    isFollowed: path.followed.isRead,
    onProgress(rows) {
      if (copied !== undefined) copied.rows = rows;
    },
  });
  const lanes = createCopyLanes({
    ...{
      jsm,
      taking,
      ended: taken.signal,
      missing: path.missing,
      records: store.records,
      partitions: streams.topology.partitions,
    },
    sources: createCopySources(nc, instance, taking.ask),
    onBegin(lane, { host, id }, { stand }) {
      copied = {
        what: `partition ${lane.partition} of ${lane.stream} is being copied from daemon ${id} on ${host}`,
        rows: 0,
      };
      logger.info(
        { ...named(lane), from: id, host, checkpoint: stand.checkpoint },
        "copying a partition from another daemon",
      );
    },
    onCopied(lane, { id }, { rows, bytes, tookMs }) {
      copied = undefined;
      const perSecond = Math.round((rows / tookMs) * 1000);
      logger.info({ ...named(lane), from: id, rows, bytes, ms: Math.round(tookMs), perSecond }, "partition copied");
      for (const tell of listeners) tell();
    },
    onFailed(lane, error) {
      copied = undefined;
      logger.warn({ ...named(lane), err: error }, "a partition could not be copied from another daemon");
    },
  });
  const takeNoMore = () => taken.abort(new CopyError("this daemon ends"));
  // It may come before the daemon runs.
  signal?.addEventListener("abort", takeNoMore, { once: true });
  const stop = () => {
    takeNoMore();
    giving.stop();
  };
  stack.defer(stop);
  return {
    ...{ bring: lanes.bring, give: giving.take, takeNoMore, stop },
    onCopied: (tell) => void listeners.push(tell),
    progress: () => copied && `${copied.what}, ${copied.rows} rows so far`,
  };
}

function named({ stream, partition }: Lane) {
  return { stream, partition };
}
