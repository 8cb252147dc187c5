import type { Logger } from "pino";
import type { ActorType } from "../actor/actor-type.ts";
import { type Activity, createActivity } from "../answers/activity.ts";
import { createInspections, type Inspections } from "../answers/inspection.ts";
import type { Config } from "../config/config.ts";
import { type Observer, tellAll } from "../flow/observer.ts";
import type { OwnLanes } from "../jetstream/own-lanes.ts";
import type { Metrics } from "../ops/metrics.ts";
import { createPathLog } from "../ops/path-log.ts";
import { openTraces } from "../ops/traces.ts";
import type { Lanes } from "../wire/lanes.ts";
import type { Store } from "./open-store.ts";

/** Those who are told what happens on the path. */
export interface Observers {
  /** Tells all of them. */
  readonly observer: Required<Observer>;
  /** One more is told from now on. */
  add(observer: Observer): void;
  readonly activity: Activity;
  readonly inspections: Inspections;
}

export interface ObserversOptions {
  readonly config: Config;
  readonly env: NodeJS.ProcessEnv;
  readonly types: readonly ActorType[];
  readonly version: string;
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly store: Store;
  readonly lanes: Lanes;
  readonly own: OwnLanes;
}

/** Metrics, log, traces, activity and inspection; what they hold open ends with the stack. */
export async function openObservers(options: ObserversOptions, stack: AsyncDisposableStack): Promise<Observers> {
  const { config, env, types, version, logger, metrics, store, lanes, own } = options;
  const activity = createActivity(types);
  const traces = await openTraces({
    env,
    types,
    version,
    onTrouble: (message) => logger.warn({ problem: message }, "spans cannot be sent, they are dropped"),
  });
  stack.defer(() => traces?.stop());
  const inspections = createInspections({
    journal: store.journal,
    laneOf: lanes.ofActor,
    owns: own.owns,
    isRetired: (type, actorId) => store.queries.retired(type, actorId) !== undefined,
    onError: (error, type, actorId) => logger.error({ err: error, actorType: type.name, actorId }, "inspection failed"),
  });
  const pathLog = createPathLog(logger, { decisionLevel: config.NATSTATE_LOG_DECISIONS });
  const observers: Observer[] = [metrics, ...(traces ? [traces] : []), activity, inspections, pathLog];
  return { observer: tellAll(observers), add: (observer) => void observers.push(observer), activity, inspections };
}
