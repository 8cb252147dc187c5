import { hostname } from "node:os";
import { resolve } from "node:path";
import type { Logger } from "pino";
import type { ActorType } from "../actor/actor-type.ts";
import { type Config, readConfig } from "../config/config.ts";
import { injectedVariables } from "../config/environment.ts";
import { maskUrl } from "../config/values.ts";
import { type Daemon, startDaemon } from "../daemon/daemon.ts";
import { createLogger } from "../ops/log.ts";
import { DEAD_LETTERS_STREAM, DECISIONS_STREAM, eventStream } from "../wire/names.ts";
import { readCrashPoint } from "./crash-point.ts";
import { takeDataDir } from "./data-dir.ts";
import { CliError, EXIT_CODES } from "./exit-codes.ts";
import { onClosedPipe, print } from "./output.ts";
import { removeRuntimeFile, writeRuntimeFile } from "./runtime-file.ts";

/** A stop that takes longer is cut off: what is left is taken up by the next start. */
const STOP_WITHIN_MS = 9500;
/** One Ctrl-C under npm arrives twice, from the terminal and from npm; a person needs longer for two. */
const SAME_SIGNAL_MS = 100;

/** What the command line says. */
interface StartOptions {
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
 * @throws CliError, ConfigError, or what `startDaemon` throws, when it does not come to run.
 */
export async function runDaemon(
  types: readonly ActorType[],
  { acceptStream: acceptStreams = [], wait: mayWait, actors }: StartOptions,
): Promise<void> {
  const streams = [...types.map(eventStream), DECISIONS_STREAM, DEAD_LETTERS_STREAM];
  const unknown = acceptStreams.find((name) => !streams.includes(name));
  if (unknown !== undefined) {
    throw new CliError("usage", `--accept-stream ${unknown}: there is no such stream, only ${streams.join(", ")}`);
  }
  const config = readConfig(process.env);
  const reached = readCrashPoint(process.env);
  const { pretty, logger } = openLog(config);
  takeDataDir(config, (line) => logger.warn(line));
  sayIgnored(process.env, logger);
  // Who read our output has gone; the work goes on.
  onClosedPipe(() => {});

  const ending = awaitEnding(logger);
  const daemon = await startDaemon({
    config,
    env: process.env,
    types,
    logger,
    acceptStreams,
    mayWait,
    signal: ending.signal,
    onFatal: ending.fail,
    onProgress: (message) => logger.info(message),
    ...(reached && { reached }),
  }).catch(async (error: Error) => {
    if (ending.signal.aborted) process.exit(await ending.reason);
    throw error;
  });
  const next = nextSteps(types, config, { actors, httpUrl: daemon.httpUrl });
  announce(daemon, config, next, pretty ? null : logger);
  const code = await ending.reason;
  await daemon.stop();
  logger.info("stopped");
  process.exit(code);
}

function openLog(config: Config): { pretty: boolean; logger: Logger } {
  const { NATSTATE_LOG_FORMAT: format, NATSTATE_LOG_LEVEL: level } = config;
  const pretty = format === "pretty" || (format === "auto" && process.stdout.isTTY === true);
  // Pretty lines share stdout with the announcement: in order, and nothing is thrown when the terminal has gone.
  return { pretty, logger: createLogger({ level, pretty, ...(pretty && { destination: process.stdout }) }) };
}

function sayIgnored(env: NodeJS.ProcessEnv, logger: Logger): void {
  const ignored = injectedVariables(env);
  if (ignored.length === 0) return;
  logger.info({ ignored }, "variables that Kubernetes sets for a Service are no settings, and are ignored");
}

interface Ending {
  /** The exit code. */
  readonly reason: Promise<number>;
  /** Aborted when the end has come. */
  readonly signal: AbortSignal;
  fail(error: Error): void;
}

/** Waits for the first signal or fatal error, and makes sure that the process ends once it has come. */
function awaitEnding(logger: Logger): Ending {
  const controller = new AbortController();
  let sinceMs: number | undefined;
  let settle: (code: number) => void = () => {};
  const reason = new Promise<number>((resolve) => {
    settle = resolve;
  });

  function end(code: number): void {
    sinceMs = performance.now();
    // Referenced, so that a stop that hangs cannot outlast it.
    setTimeout(() => {
      logger.warn("not everything was closed in time, the next start takes up what is left");
      process.exit(code);
    }, STOP_WITHIN_MS);
    settle(code);
    controller.abort();
  }

  function onSignal(signal: NodeJS.Signals): void {
    if (sinceMs === undefined) {
      logger.info({ signal }, "stopping: publishing what is due; a second signal exits at once");
      end(EXIT_CODES.ok.code);
    } else if (performance.now() - sinceMs > SAME_SIGNAL_MS) {
      logger.warn({ signal }, "exiting at once");
      process.exit(EXIT_CODES.failed.code);
    }
  }
  process.on("SIGINT", onSignal);
  process.on("SIGTERM", onSignal);
  // The terminal was closed.
  process.on("SIGHUP", onSignal);

  return {
    reason,
    signal: controller.signal,
    fail(error) {
      logger.error({ err: error }, error.message);
      if (sinceMs === undefined) end(EXIT_CODES.failed.code);
    },
  };
}

/** Says where everything is, to people and to other commands. @param logger - null: on standard output. */
function announce(daemon: Daemon, config: Config, next: readonly string[], logger: Logger | null): void {
  const { natsUrl, httpUrl, version, instance } = daemon;
  const host = hostname();
  const dataDir = resolve(config.NATSTATE_DATA);
  // However it ends: who is gone is not to be found.
  process.once("exit", () => removeRuntimeFile(dataDir, process.pid));
  writeRuntimeFile(dataDir, { pid: process.pid, natsUrl, httpUrl, startedAt: new Date().toISOString() });
  const embedded = config.NATS_URL === undefined;
  if (logger !== null) {
    const where = { nats: maskUrl(natsUrl), embedded, api: httpUrl, data: dataDir };
    const partitions = Object.fromEntries(daemon.partitions());
    logger.info({ version, instance, host, ...where, partitions, next }, "natstate is running");
    return;
  }
  if (config.NATSTATE_LOG_LEVEL === "silent") return;
  const lines = [
    "natstate is running",
    "",
    `  NATS   ${maskUrl(natsUrl)}${embedded ? "  (embedded nats-server)" : ""}`,
    `  API    ${httpUrl === null ? "off (NATSTATE_HTTP)" : `${httpUrl}  (the console, in a browser)`}`,
    `  Data   ${dataDir}  (kept when natstate stops)`,
    `  This   natstate ${version} on ${host}, instance ${instance}`,
    "",
    "Now, in another terminal:",
    ...next.map((line) => `  ${line}`),
    "",
    "Ctrl-C stops it.",
    "",
  ];
  print(lines);
}

function nextSteps(
  [type]: readonly ActorType[],
  { NATSTATE_DATA, NATSTATE_ACTORS }: Config,
  { actors = NATSTATE_ACTORS, httpUrl }: { readonly actors: string | undefined; readonly httpUrl: string | null },
): string[] {
  const dataDir = resolve(NATSTATE_DATA);
  const where = dataDir === resolve("data") ? "" : `NATSTATE_DATA=${dataDir} `;
  const which = actors === undefined ? "" : ` --actors ${actors}`;
  const ask = httpUrl === null ? [] : [`curl ${httpUrl}/api/${type?.collection}`];
  const first = type?.rehearsal === undefined ? "publish --help" : `simulate --${type.collection} 100`;
  return [...[first, "list", "watch"].map((line) => `${where}npx natstate ${line}${which}`), ...ask];
}
