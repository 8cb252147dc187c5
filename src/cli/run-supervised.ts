import type { ActorType } from "../actor/actor-type.ts";
import { readConfig } from "../config/config.ts";
import { openDaemon } from "../daemon/daemon.ts";
import { boundHeap } from "../daemon/heap.ts";
import type { Supervision } from "../supervisor/messages.ts";
import { beSupervised } from "../supervisor/supervised.ts";
import { awaitEnding } from "./ending.ts";
import { explain } from "./exit-codes.ts";
import { daemonOptions, openLog, type StartOptions } from "./run-daemon.ts";

/** Before the supervisor cuts off everything: the nats-server ends after its daemons. */
const STOP_WITHIN_MS = 8500;

/**
 * Runs one of several daemons in a process that a supervisor has started, until that says so, is gone, or this process gets
 * SIGTERM; a terminal's signals are the supervisor's.
 */
export async function runSupervised(
  types: readonly ActorType[],
  options: StartOptions,
  supervision: Supervision,
): Promise<void> {
  const config = readConfig(process.env);
  boundHeap();
  const { logger } = openLog(config, supervision.daemon);
  const ending = awaitEnding(logger, ["SIGTERM"], STOP_WITHIN_MS);
  const supervised = beSupervised(supervision, (isOrphan) => {
    if (isOrphan) logger.error("the supervisor is gone: publishing what is due, then this daemon ends");
    ending.stop();
  });
  const { siblings, tell } = supervised;
  const begun = daemonOptions(types, options, { config, logger, ending });
  const daemon = await openDaemon({
    ...{ ...begun, siblings },
    onFatal(error) {
      tell({ kind: "fatal", message: error.message });
      ending.fail(error);
    },
  }).catch(async (error: unknown) => {
    if (!ending.signal.aborted) {
      const { code, message } = explain(error);
      tell({ kind: "refused", message: message ?? String(error), code });
      process.exit(code);
    }
    await supervised.leaveNothing((line) => logger.warn(line));
    process.exit(await ending.reason);
  });
  const { version, instance, httpUrl } = daemon;
  logger.info({ version, instance, partitions: Object.fromEntries(daemon.partitions()) }, "this daemon is running");
  tell({ kind: "running", httpUrl });
  supervised.follow(daemon);
  if (supervision.isSurplus) {
    void supervised.leave(daemon, ending.signal).then(ending.stop, () => {});
  }
  const code = await ending.reason;
  await daemon.stop();
  logger.info("stopped");
  await supervised.leaveNothing((line) => logger.warn(line));
  process.exit(code);
}
