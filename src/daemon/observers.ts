import { createActivity } from "../answers/activity.ts";
import { createInspections } from "../answers/inspection.ts";
import { type Observer, tellAll } from "../flow/observer.ts";
import { createPathLog } from "../ops/path-log.ts";
import { openTraces } from "../ops/traces.ts";
import type { Observers, Parts } from "./parts.ts";

/** Metrics, log, traces, activity and inspection; what they hold open ends with the stack. */
export async function openObservers(
  parts: Pick<Parts, "config" | "env" | "types" | "version" | "logger" | "metrics" | "store" | "streams" | "own">,
  stack: AsyncDisposableStack,
): Promise<Observers> {
  const { config, env, types, version, logger, metrics, store, streams, own } = parts;
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
    laneOf: streams.lanes.ofActor,
    owns: own.owns,
    isRetired: (type, actorId) => store.queries.retired(type, actorId) !== undefined,
    onError: (error, type, actorId) => logger.error({ err: error, actorType: type.name, actorId }, "inspection failed"),
  });
  const pathLog = createPathLog(logger, { decisionLevel: config.NATSTATE_LOG_DECISIONS });
  const observers: Observer[] = [metrics, ...(traces ? [traces] : []), activity, inspections, pathLog];
  return { observer: tellAll(observers), add: (observer) => void observers.push(observer), activity, inspections };
}
