import type { Logger } from "pino";
import type { ActorType } from "../actor/actor-type.ts";
import { checkActorTypes } from "../actor/check-actor-types.ts";
import { type Config, ConfigError } from "../config/config.ts";
import type { ReachCrashPoint } from "../flow/crash-points.ts";
import { createOwnLanes } from "../jetstream/own-lanes.ts";
import { createMetrics } from "../ops/metrics.ts";
import { connect } from "./connection.ts";
import { createLaneTrouble } from "./lane-trouble.ts";
import { openObservers } from "./observers.ts";
import { openStore } from "./open-store.ts";
import { openPath } from "./path.ts";
import { openStreams } from "./streams.ts";
import { createWaiting } from "./waiting.ts";

export interface DaemonOptions {
  readonly config: Config;
  readonly env: NodeJS.ProcessEnv;
  readonly types: readonly ActorType[];
  readonly logger: Logger;
  /** Streams whose recreation or loss of messages is accepted, by name. */
  readonly acceptStreams?: readonly string[];
  /** Something that only a person can resolve; the daemon has stopped reading. */
  readonly onFatal: (error: Error) => void;
  /** For long steps at start, such as fetching a server. */
  readonly onProgress?: (message: string) => void;
  /** False: rejects when NATS does not answer at start, instead of waiting until it does. */
  readonly mayWait?: boolean;
  /** Aborted: the start no longer waits for NATS, and rejects. */
  readonly signal?: AbortSignal;
  /** Told the moments of the path; tests end the process at one. */
  readonly reached?: ReachCrashPoint;
}

const VERSION = "0.1.0";

/** Store, connections, streams, and the path between them; no lane is read yet. */
export async function openInside(options: DaemonOptions, stack: AsyncDisposableStack) {
  const { config, env, types, logger, onFatal, mayWait = true, signal, reached = () => {} } = options;
  const problems = checkActorTypes(types);
  if (problems.length > 0) throw new ConfigError(problems);
  const store = openStore(config, logger, stack);
  const metrics = createMetrics({ types });
  const waiting = createWaiting({ config, logger, metrics, mayWait, signal });
  stack.defer(waiting.close);
  const { patiently } = waiting;
  const connection = await connect({ ...options, patiently }, stack);
  const { session } = connection;
  const accepted = options.acceptStreams ?? [];
  const streams = await openStreams({ config, types, session, store, patiently, accepted, logger });
  const { lanes } = streams;
  const own = createOwnLanes();
  const shared = { config, types, version: VERSION, logger, metrics, store, connection, streams, own, reached };
  const observers = await openObservers({ ...shared, env, lanes }, stack);
  const { observer } = observers;
  const trouble = createLaneTrouble(logger, onFatal);
  const path = openPath({ ...shared, observer, onRefused: trouble.meet, onFatal }, stack);
  await patiently(() => path.missing.accept(lanes.all.filter(({ stream }) => accepted.includes(stream))));
  return { ...shared, waiting, lanes, observers, observer, trouble, path };
}
