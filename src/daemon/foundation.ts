import type { ActorType } from "../actor/actor-type.ts";
import { checkActorTypes } from "../actor/check-actor-types.ts";
import { findLongDelays, LONG_DELAY } from "../actor/long-delays.ts";
import { findUndone } from "../actor/statechart-refusals.ts";
import { ConfigError } from "../config/config.ts";
import { createOwnLanes } from "../members/own-lanes.ts";
import { createMetrics, type Metrics } from "../ops/metrics.ts";
import { readInstanceId } from "../store/instance-id.ts";
import { connect } from "./connection.ts";
import { openCopying } from "./copying.ts";
import { takeDataDir } from "./data-dir.ts";
import { createLaneTrouble } from "./lane-trouble.ts";
import { openObservers } from "./observers.ts";
import { openStore } from "./open-store.ts";
import type { DaemonOptions, Parts } from "./parts.ts";
import { openPath } from "./path.ts";
import { openStreams } from "./streams.ts";
import { createWaiting, type Waiting } from "./waiting.ts";

const VERSION = "0.1.0";

/** All that is opened before a lane is read. */
export type Foundation = Omit<Parts, "reading" | "ticking" | "readiness" | "standing"> & { readonly waiting: Waiting };

/** Store, connections, streams, and the path between them; no lane is read yet. */
export async function openFoundation(options: DaemonOptions, stack: AsyncDisposableStack): Promise<Foundation> {
  const { config, types, logger, onFatal, acceptStreams: accepted = [], reached = () => {} } = options;
  const problems = checkActorTypes(types);
  if (problems.length > 0) throw new ConfigError(problems);
  for (const type of types) tellOf(type, options);
  takeDataDir(config, (line) => logger.warn(line));
  const store = await openStore(options, stack);
  const told = { ...options, reached, version: VERSION, instance: readInstanceId(config.NATSTATE_DATA) };
  const metrics = openMetrics(options);
  const waiting = createWaiting({ ...told, metrics }, options);
  stack.defer(waiting.close);
  const { patiently } = waiting;
  const connection = await connect({ ...told, patiently }, stack);
  const streams = await openStreams({ ...told, store, patiently, connection }, accepted);
  const shared = { ...told, store, metrics, waiting, patiently, connection, streams, own: createOwnLanes() };
  const observers = await openObservers(shared, stack);
  const trouble = createLaneTrouble(logger, onFatal);
  const path = openPath({ ...shared, observers, trouble }, stack);
  const copying = openCopying({ ...shared, path }, stack);
  const { lanes } = streams;
  await patiently(() => path.missing.accept(lanes.all.filter(({ stream }) => accepted.includes(stream))));
  return { ...shared, observers, trouble, path, copying };
}

/** What its author may not know of a machine that is taken. */
function tellOf(type: ActorType, { config, logger }: DaemonOptions): void {
  const { name: actorType, machine } = type;
  const actions = findUndone(machine);
  if (actions.length > 0) logger.info({ actorType, actions }, "actions are not executed: act on decisions");
  const delays = findLongDelays(type, config.NATSTATE_MAX_AGE);
  if (delays.length > 0) logger.warn({ actorType, delays }, `delays are ${LONG_DELAY}`);
}

/** Whoever asks one of several daemons for metrics is given those of all. */
function openMetrics({ types, siblings }: Pick<DaemonOptions, "types" | "siblings">): Metrics {
  const own = createMetrics({ types, daemon: siblings?.daemon });
  siblings?.meet(own.collect);
  return siblings === undefined ? own : { ...own, render: siblings.scrape };
}
