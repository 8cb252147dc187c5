import { hostname } from "node:os";
import type { Logger } from "pino";
import type { ActorType } from "../actor/actor-type.ts";
import { type Config, readConfig } from "../config/config.ts";
import { injectedVariables } from "../config/environment.ts";
import { openDaemon } from "../daemon/daemon.ts";
import { boundHeap } from "../daemon/heap.ts";
import type { DaemonOptions } from "../daemon/parts.ts";
import { createLogger } from "../ops/log.ts";
import { DEAD_LETTERS_STREAM, DECISIONS_STREAM, eventStream } from "../wire/names.ts";
import { announce } from "./announce.ts";
import { readCrashPoint } from "./crash-point.ts";
import { awaitEnding, type Ending } from "./ending.ts";
import { CliError } from "./exit-codes.ts";
import { onClosedPipe } from "./output.ts";

export interface StartOptions {
  /** Streams that may be other ones, or lack messages. */
  readonly acceptStream?: readonly string[];
  /** For NATS, at start. */
  readonly wait: boolean;
  /** Where the actor types are from, when it says so. */
  readonly actors?: string;
}

/**
 * Runs the daemon and ends the process itself: 0 after a graceful stop, 1 after a failure or a second signal.
 *
 * @throws CliError, ConfigError, or what `openDaemon` throws, when it does not come to run.
 */
export async function runDaemon(types: readonly ActorType[], options: StartOptions): Promise<void> {
  const config = readConfig(process.env);
  boundHeap();
  const { pretty, logger } = openLog(config);
  sayIgnored(process.env, logger);
  const ending = awaitEnding(logger);
  const daemon = await openDaemon(daemonOptions(types, options, { config, logger, ending })).catch(
    async (error: Error) => {
      if (ending.signal.aborted) process.exit(await ending.reason);
      throw error;
    },
  );
  const { natsUrl, httpUrl, version, instance } = daemon;
  const named = { version, instance, partitions: Object.fromEntries(daemon.partitions()) };
  const what = `natstate ${version} on ${hostname()}, instance ${instance}`;
  announce({ natsUrl, httpUrl, config, types, actors: options.actors, what, named }, pretty ? null : logger);
  const code = await ending.reason;
  await daemon.stop();
  logger.info("stopped");
  process.exit(code);
}

interface Begun {
  readonly config: Config;
  readonly logger: Logger;
  readonly ending: Ending;
}

/** How a daemon is opened that a command runs. @throws CliError, ConfigError */
export function daemonOptions(
  types: readonly ActorType[],
  { acceptStream: acceptStreams = [], wait: mayWait }: StartOptions,
  { config, logger, ending }: Begun,
): DaemonOptions {
  checkAccepted(types, acceptStreams);
  const reached = readCrashPoint(process.env);
  // Who read our output has gone; the work goes on.
  onClosedPipe(() => {});
  return {
    ...{ config, types, logger, acceptStreams, mayWait },
    env: process.env,
    signal: ending.signal,
    onFatal: ending.fail,
    onProgress: (message) => logger.info(message),
    ...(reached && { reached }),
  };
}

/** @throws CliError `usage` for a stream that is none of ours. */
export function checkAccepted(types: readonly ActorType[], accepted: readonly string[]): void {
  const streams = [...types.map(eventStream), DECISIONS_STREAM, DEAD_LETTERS_STREAM];
  const unknown = accepted.find((name) => !streams.includes(name));
  if (unknown === undefined) return;
  throw new CliError("usage", `--accept-stream ${unknown}: there is no such stream, only ${streams.join(", ")}`);
}

/** The log of a process that runs until it is ended. @param daemon - which of several, if it is one. */
export function openLog(config: Config, daemon?: number): { pretty: boolean; logger: Logger } {
  const { NATSTATE_LOG_FORMAT: format, NATSTATE_LOG_LEVEL: level } = config;
  const pretty = format === "pretty" || (format === "auto" && process.stdout.isTTY === true);
  // Pretty lines share stdout with the announcement: in order, and nothing is thrown when the terminal has gone.
  return { pretty, logger: createLogger({ level, pretty, daemon, ...(pretty && { destination: process.stdout }) }) };
}

/** Says which variables are none of ours. */
export function sayIgnored(env: NodeJS.ProcessEnv, logger: Logger): void {
  const ignored = injectedVariables(env);
  if (ignored.length === 0) return;
  logger.info({ ignored }, "variables that Kubernetes sets for a Service are no settings, and are ignored");
}
