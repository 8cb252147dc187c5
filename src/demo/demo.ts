import { once } from "node:events";
import { rmSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { styleText } from "node:util";
import type { ActorType } from "../actor/actor-type.ts";
import { readConfig } from "../config/config.ts";
import { type Daemon, openDaemon } from "../daemon/daemon.ts";
import { createLogger } from "../ops/log.ts";
import { createProgress, type Progress } from "../ops/progress.ts";
import { rehearse } from "./rehearse.ts";
import { renderReport } from "./report.ts";
import { rehearsalOf } from "./traffic.ts";

export interface DemoOptions {
  /** How many of each type, {@link demoDefaults} where it does not say. */
  readonly actors: ReadonlyMap<ActorType, number>;
  readonly seed: number;
  /** Stay running afterwards, until `signal` aborts. */
  readonly keep: boolean;
  /** One JSON object instead of text: the report of each type under its collection. */
  readonly json: boolean;
  readonly types: readonly ActorType[];
  /** Gets the report. */
  readonly out: NodeJS.WritableStream;
  /** Gets progress and errors of the log; standard error when absent. */
  readonly progress?: NodeJS.WritableStream;
  readonly env: NodeJS.ProcessEnv;
  /** Ends it early: servers are stopped, and the directory is removed. */
  readonly signal?: AbortSignal;
}

export const demoDefaults = { actors: 200, seed: 1 } as const;

/** Of the environment's settings only these are heeded: a demo must not touch anybody's system. */
const HEEDED = ["NATSTATE_NATS_SERVER", "NATSTATE_NATS_RELEASES", "NATSTATE_CACHE"];

/**
 * Starts an embedded nats-server and a daemon on free ports and a temporary directory, publishes seeded traffic, waits
 * until everything has settled, and compares every actor with an independent model of the rules; of a type without, with its events in order.
 *
 * @returns ok when all agree; false also when it was interrupted before that was known.
 * @throws NoTrafficError, what `openDaemon` throws, NotSettledError, or what stopped the daemon; everything is removed first.
 */
export async function runDemo(options: DemoOptions): Promise<{ ok: boolean }> {
  const progress = createProgress(options.progress ?? process.stderr);
  const dataDir = await mkdtemp(join(tmpdir(), "natstate-demo-"));
  const failed = new AbortController();
  const signal = AbortSignal.any([failed.signal, ...(options.signal ? [options.signal] : [])]);
  // Also when it is not waited for: nats-server may still be writing.
  const remove = () => rmSync(dataDir, { recursive: true, force: true, maxRetries: 5 });
  process.once("exit", remove);
  try {
    progress.step("starting nats-server and natstate");
    const daemon = await start(options, dataDir, progress, (error) => failed.abort(error));
    try {
      const result = await perform(options, daemon, progress, signal);
      failed.signal.throwIfAborted();
      return result;
    } finally {
      progress.step("stopping");
      await daemon.stop();
    }
  } catch (error) {
    failed.signal.throwIfAborted();
    if (!signal.aborted) throw error;
    progress.end("interrupted: nothing was compared");
    return { ok: false };
  } finally {
    await rm(dataDir, { recursive: true, force: true, maxRetries: 3 });
    process.off("exit", remove);
    progress.clear();
  }
}

async function perform(
  { actors, seed, keep, json, types, out }: DemoOptions,
  daemon: Daemon,
  progress: Progress,
  signal: AbortSignal,
): Promise<{ ok: boolean }> {
  const paint = (style: Parameters<typeof styleText>[0], text: string) => styleText(style, text, { stream: out });
  const reports: Record<string, unknown> = {};
  let ok = true;
  for (const type of types) {
    const report = await rehearse({
      type,
      actors: actors.get(type) ?? demoDefaults.actors,
      seed,
      daemon,
      progress,
      signal,
    });
    progress.clear();
    reports[type.collection] = report;
    ok &&= report.ok;
    if (!json) out.write(`${renderReport(report, paint)}\n`);
  }
  if (json) out.write(`${JSON.stringify({ ok, ...reports }, null, 2)}\n`);
  if (keep) {
    if (!json) out.write(renderNextSteps(daemon, types));
    if (!signal.aborted) await once(signal, "abort");
  }
  return { ok };
}

function start(
  { env, types, progress: stream = process.stderr }: DemoOptions,
  dataDir: string,
  progress: Progress,
  onFatal: (error: Error) => void,
): Promise<Daemon> {
  const own = Object.entries(env).filter(([name]) => !/^NATS(TATE)?_/.test(name) || HEEDED.includes(name));
  const demoEnv = {
    ...Object.fromEntries(own),
    NATSTATE_DATA: dataDir,
    NATSTATE_HTTP: "127.0.0.1:0",
    NATSTATE_NATS_PORT: "0",
  };
  // Dead letters are warnings, and here they are expected.
  const logger = createLogger({ level: "error", pretty: true, destination: { write: (line) => stream.write(line) } });
  return openDaemon({
    config: readConfig(demoEnv),
    env: demoEnv,
    types,
    logger,
    onFatal,
    onProgress: progress.step,
  });
}

function renderNextSteps({ httpUrl, natsUrl }: Daemon, types: readonly ActorType[]): string {
  const looks = types.map(
    (type, index) =>
      `  npx natstate history ${rehearsalOf(type).showcaseId}${index === 0 ? "" : ` --type ${type.name}`} --nats ${natsUrl}`,
  );
  return [
    "Still running. Look around, from another terminal:",
    `  npx natstate stats --nats ${natsUrl}`,
    ...looks,
    "send it more:",
    `  npx natstate simulate --seed 2 --nats ${natsUrl}`,
    "or open the console in a browser:",
    `  ${httpUrl}/`,
    "",
    "Ctrl-C ends it and removes its data.",
    "",
  ].join("\n");
}
