import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import type { Logger } from "pino";
import { takeDataDir } from "../daemon/data-dir.ts";
import { startOwnServer } from "../daemon/nats-setup.ts";
import { writeRuntimeFile } from "../daemon/runtime-file.ts";
import { tryAddress } from "../daemon/waiting.ts";
import { isStoreHeld } from "../store/database.ts";
import { type DataDirectory, directoriesOf, surplusDirectories, unmarkLeft } from "./directories.ts";
import { type SupervisorOptions, startProcesses } from "./processes.ts";

/** Daemons whose supervisor was killed end by themselves, within the 10 s a stop may take. */
const FREE_WITHIN_MS = 10_000;

/**
 * Several daemons, run as one.
 *
 * Starts the daemons of a machine, a process and a data directory each, and the embedded nats-server once for all of them.
 * Resolves when those that are wanted are up. They share one port: the connections that come to it are dealt out in turn.
 *
 * A directory that an earlier start has used and this one does not want is run too, until the partitions of its daemon have
 * moved to the others: what the stream has lost since, nobody else may have.
 *
 * @throws DaemonRefusedError when one that is wanted does not start, and what `startOwnServer` throws; all that was started
 *   has ended then.
 */
export async function superviseDaemons(options: SupervisorOptions) {
  const { config, logger, daemons: wanted } = options;
  await using stack = new AsyncDisposableStack();
  const server = await startOwnServer(options);
  if (server !== undefined) stack.defer(() => server.stop());
  const natsUrl = config.NATS_URL ?? server?.url ?? "";
  const own = directoriesOf(config.NATSTATE_DATA, wanted);
  const surplus = surplusDirectories(config.NATSTATE_DATA, wanted);
  for (const { path } of own) unmarkLeft(path);
  if (surplus.length > 0) {
    const directories = surplus.map(({ path }) => path);
    logger.warn({ directories }, "more daemons ran here before: they run too, until others have their partitions");
  }
  const all = [...own, ...surplus];
  // Who is up first is told of in all of them, also where another one has not come to make its own.
  for (const { path } of all.slice(1)) takeDataDir({ NATSTATE_DATA: path }, (line) => logger.warn(line));
  await untilFree(all, logger);
  await tryAddress(config);
  const found = createFound(all, natsUrl);
  const processes = startProcesses(all, natsUrl, { ...options, onAnswering: found.begin, onLeft: found.end });
  stack.defer(processes.stop);
  stack.defer(() => all.forEach(found.end));
  const httpUrl = await processes.up;
  const running = stack.move();
  return {
    natsUrl,
    /** The same for all of them; null when NATSTATE_HTTP is off. */
    httpUrl,
    /** All publish what is due and end, then the nats-server that is theirs. Safe to call twice. */
    stop: () => running.disposeAsync(),
  };
}

/** By which other commands find what runs on a directory: as soon as somebody there answers, until its daemon has left. */
function createFound(directories: readonly DataDirectory[], natsUrl: string) {
  const removals = new Map<DataDirectory, () => void>();
  return {
    begin(httpUrl: string | null): void {
      for (const each of directories) removals.set(each, writeRuntimeFile(each.path, { natsUrl, httpUrl }));
    },
    end: (directory: DataDirectory): void => removals.get(directory)?.(),
  };
}

/** The daemons of a supervisor that was killed are not quite gone when the next one comes. */
async function untilFree(directories: readonly DataDirectory[], logger: Logger): Promise<void> {
  const endMs = performance.now() + FREE_WITHIN_MS;
  const isHeld = () => directories.some(({ path }) => isStoreHeld(join(path, "natstate.db")));
  for (let isSaid = false; isHeld() && performance.now() < endMs; isSaid = true) {
    if (!isSaid) logger.info("waiting for the daemons of a supervisor that was killed to end");
    await delay(100);
  }
}
