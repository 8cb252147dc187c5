import cluster, { type Worker } from "node:cluster";
import { randomBytes } from "node:crypto";
import { join } from "node:path";
import type { OwnServerOptions } from "../daemon/nats-setup.ts";
import { type DataDirectory, markLeft } from "./directories.ts";
import { createGathering } from "./gathering.ts";
import { type KeptDaemon, keepDaemon } from "./kept-daemon.ts";
import type { FromDaemon, Supervision, ToDaemon } from "./messages.ts";
import { shareOfMemory } from "./share-of-memory.ts";

/** What several daemons on one machine are started with. */
export interface SupervisorOptions extends OwnServerOptions {
  /** So many are wanted. */
  readonly daemons: number;
  /** The command line of one: the program, and what it is told at its first start and at later ones. */
  readonly program: { readonly file: string; args(isFirst: boolean, supervision: Supervision): readonly string[] };
  /** Of those that are wanted, all have ended because of what only a person can resolve. */
  readonly onFatal: (error: Error) => void;
  /** Aborted: the start no longer waits, and rejects. */
  readonly signal: AbortSignal;
}

/** A daemon does not start: what it said, and the exit code that belongs to it. */
export class DaemonRefusedError extends Error {
  override readonly name = "DaemonRefusedError";
  readonly exitCode: number;

  constructor(message: string, exitCode: number) {
    super(message);
    this.exitCode = exitCode;
  }
}

/** What becomes of daemons, beside what is done about it here. */
export interface ProcessesOptions extends SupervisorOptions {
  /** One answers for all: the first that is up. @param httpUrl - where all of them listen. */
  readonly onAnswering: (httpUrl: string | null) => void;
  /** Others have all partitions of this directory's daemon. */
  readonly onLeft: (directory: DataDirectory) => void;
}

/**
 * The processes of all daemons.
 *
 * Starts a process for each directory, keeps them running, and tells each how the others are.
 */
export function startProcesses(directories: readonly DataDirectory[], natsUrl: string, options: ProcessesOptions) {
  const { logger, daemons: wanted, signal } = options;
  const { promise: up, ...start } = Promise.withResolvers<string | null>();
  // Who is stopped before they are up does not wait for that.
  up.catch(() => {});
  signal.addEventListener("abort", () => start.reject(signal.reason));
  const fork = createFork(directories, natsUrl, options);
  const daemons: KeptDaemon[] = [];
  const own = () => daemons.filter(({ directory }) => directory.daemon <= wanted);
  const tellSiblings = () => {
    const siblings = own().map((one) => one.look());
    for (const one of daemons) one.tell({ kind: "siblings", siblings });
  };
  const onMessage = createHearing({ ...options, own, start, tellSiblings });
  for (const directory of directories) {
    const forkIt = (isFirst: boolean) => fork(directory, isFirst);
    daemons.push(keepDaemon({ directory, logger, onMessage, onChange: tellSiblings, fork: forkIt }));
  }
  // However this process ends, short of SIGKILL: then they notice by themselves.
  const killAll = () => {
    for (const one of daemons) one.kill();
  };
  process.once("exit", killAll);
  return {
    /** Resolves to where they listen, once those that are wanted are up; rejects when one does not start. */
    up,
    async stop(): Promise<void> {
      for (const one of daemons) one.stop();
      await Promise.all(daemons.map(({ ended }) => ended));
      process.off("exit", killAll);
    },
  };
}

interface HearingOptions extends Pick<ProcessesOptions, "logger" | "onFatal" | "onAnswering" | "onLeft"> {
  /** Those that are wanted. */
  readonly own: () => readonly KeptDaemon[];
  readonly start: { resolve(httpUrl: string | null): void; reject(error: Error): void };
  readonly tellSiblings: () => void;
}

/** What is done about what daemons say. */
function createHearing(options: HearingOptions): (message: FromDaemon, from: KeptDaemon) => void {
  const { logger, onFatal, onAnswering, onLeft, own, start, tellSiblings } = options;
  const isUp = new Set<KeptDaemon>();
  const gathering = createGathering();
  return (message, from) => {
    switch (message.kind) {
      case "refused":
        // Too late for a start that has succeeded; and nobody waits for one that is not wanted.
        if (own().includes(from)) start.reject(new DaemonRefusedError(message.message, message.code));
        break;
      case "running":
        if (isUp.size === 0) onAnswering(message.httpUrl);
        isUp.add(from);
        tellSiblings();
        if (own().every((one) => isUp.has(one))) start.resolve(message.httpUrl);
        break;
      case "fatal":
        if (own().every((one) => one.outcome() === "fatal")) onFatal(new Error(message.message));
        break;
      case "left":
        markLeft(from.directory.path);
        onLeft(from.directory);
        logger.info({ daemon: from.directory.daemon }, "others have all partitions of this daemon, it ends");
        break;
      case "scrape":
        gathering.begin(from, message.id, [...isUp]);
        break;
      case "collected":
        gathering.collected(from, message.id, message.metrics);
        break;
      case "health":
        break;
      default:
        message satisfies never;
    }
  };
}

function createFork(
  directories: readonly DataDirectory[],
  natsUrl: string,
  { config, env, program, daemons: wanted }: SupervisorOptions,
): (directory: DataDirectory, isFirst: boolean) => Worker {
  const isEmbedded = config.NATS_URL === undefined;
  const natsDir = isEmbedded ? join(config.NATSTATE_DATA, "nats") : null;
  const settings = { ...shareOfMemory(config, env, wanted), ...(isEmbedded && { NATS_URL: natsUrl }) };
  const paths = directories.map(({ path }) => path);
  const pageToken = randomBytes(32).toString("base64url");
  return ({ daemon, path }, isFirst) => {
    const supervision = { daemon, directories: paths, natsDir, isSurplus: daemon > wanted };
    cluster.setupPrimary({
      exec: program.file,
      args: [...program.args(isFirst, supervision)],
      // Metrics have figures that JSON does not.
      serialization: "advanced",
    });
    const worker = cluster.fork({ ...settings, NATSTATE_DATA: path });
    const first: ToDaemon = { kind: "page_token", pageToken };
    worker.send(first, () => {});
    return worker;
  };
}
