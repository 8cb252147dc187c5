import { hostname } from "node:os";
import { extname, join } from "node:path";
import type { ActorType } from "../actor/actor-type.ts";
import { readConfig } from "../config/config.ts";
import { takeDataDir } from "../daemon/data-dir.ts";
import { DaemonRefusedError } from "../supervisor/processes.ts";
import { superviseDaemons } from "../supervisor/supervisor.ts";
import { announce } from "./announce.ts";
import { awaitEnding } from "./ending.ts";
import { onClosedPipe, say } from "./output.ts";
import { checkAccepted, openLog, type StartOptions, sayIgnored } from "./run-daemon.ts";

/**
 * Runs so many daemons, a process each, and ends the process itself: 0 after a graceful stop of all, 1 after a failure or a
 * second signal.
 *
 * @throws CliError, ConfigError, or what `superviseDaemons` throws, when they do not come to run.
 */
export async function runDaemons(types: readonly ActorType[], daemons: number, options: StartOptions): Promise<void> {
  const { acceptStream = [], wait, actors } = options;
  checkAccepted(types, acceptStream);
  const config = readConfig(process.env);
  const { pretty, logger } = openLog(config);
  sayIgnored(process.env, logger);
  onClosedPipe(() => {});
  takeDataDir(config, (line) => logger.warn(line));
  const ending = awaitEnding(logger);
  const supervisor = await superviseDaemons({
    ...{ config, logger, daemons },
    env: process.env,
    signal: ending.signal,
    onFatal: ending.fail,
    onProgress: (message) => logger.info(message),
    program: {
      file: join(import.meta.dirname, `../cli${extname(import.meta.filename)}`),
      args: (isFirst, supervision) => [
        "start",
        ...(actors === undefined ? [] : ["--actors", actors]),
        ...(wait ? [] : ["--no-wait"]),
        // Of the streams as they are at this start, not at each that a crash makes necessary.
        ...(isFirst ? acceptStream.flatMap((name) => ["--accept-stream", name]) : []),
        "--supervised",
        JSON.stringify(supervision),
      ],
    },
  }).catch(async (error: unknown) => {
    if (ending.signal.aborted) process.exit(await ending.reason);
    if (!(error instanceof DaemonRefusedError)) throw error;
    say(`natstate: ${error.message}`);
    process.exit(error.exitCode);
  });
  const { natsUrl, httpUrl } = supervisor;
  const what = `${daemons} daemons on ${hostname()}, process ${process.pid}`;
  announce({ natsUrl, httpUrl, config, types, actors, what, named: { daemons } }, pretty ? null : logger);
  const code = await ending.reason;
  await supervisor.stop();
  logger.info("stopped");
  process.exit(code);
}
