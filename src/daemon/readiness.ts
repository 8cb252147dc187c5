import { jetstreamManager } from "@nats-io/jetstream";
import type { Logger } from "pino";
import type { ActorType } from "../actor/actor-type.ts";
import type { Activity } from "../answers/activity.ts";
import type { Pause } from "../flow/batcher.ts";
import type { LagWatch } from "../jetstream/lag-watch.ts";
import type { OwnLanes } from "../jetstream/own-lanes.ts";
import type { Ownership } from "../jetstream/ownership.ts";
import type { Session } from "../jetstream/session.ts";
import { createStreamPulse } from "../jetstream/stream-pulse.ts";
import type { TopologyWatch } from "../jetstream/topology-watch.ts";
import { createHealthCheck } from "../ops/health.ts";
import { createTroubles } from "../ops/troubles.ts";
import type { Lane } from "../wire/lanes.ts";
import { byReason } from "./grouped-troubles.ts";
import type { Readiness } from "./parts.ts";

export interface ReadinessOptions {
  readonly session: Session;
  readonly isConnected: () => boolean;
  readonly streams: readonly string[];
  readonly topology: TopologyWatch;
  readonly own: OwnLanes;
  readonly ownership: Ownership;
  readonly lag: LagWatch;
  readonly pause: () => Pause | null;
  readonly publisher: { backlog(): number; trouble(): Pause | null };
  readonly ticking: { troubles(): readonly string[] };
  readonly types: readonly ActorType[];
  readonly activity: Pick<Activity, "recordLag">;
  readonly logger: Logger;
}

const LOOK_EVERY_MS = 500;
/** A server that is slow is there. */
const ANSWER_MS = 4000;

export function watchReadiness(options: ReadinessOptions): Readiness {
  const { session, isConnected, streams, topology, own, ownership, lag, pause, publisher, ticking } = options;
  const { types, activity, logger } = options;
  const manager = jetstreamManager(session.nc, { checkAPI: false, timeout: ANSWER_MS });
  const pulse = createStreamPulse({ streams, ask: async (stream) => (await manager).streams.info(stream) });
  const checkHealth = createHealthCheck();
  const troubles = createTroubles(
    (trouble) => logger.warn({ problem: trouble }, "not as it should be, natstate is not ready"),
    (trouble) => logger.info({ problem: trouble }, "no longer so"),
  );
  const timer = setInterval(look, LOOK_EVERY_MS);

  const isAnswering = () => isConnected() && pulse.trouble() === undefined;

  function look(): void {
    for (const type of types) activity.recordLag(type, isAnswering() ? lag.total(type) : null, Date.now());
    // That NATS is away is said where it is noticed, and everything else follows from it.
    if (isConnected() && !pulse.isSettling()) troubles.update(present());
  }

  /** Those that get nothing, though the server has something for them, are not read. */
  function reading(): readonly Lane[] {
    if (!isAnswering()) return [];
    const troubled = new Set(ownership.troubles().map(({ lane }) => lane));
    return ownership.reading().filter((lane) => !troubled.has(lane));
  }

  function laneTroubles(): Map<string, string> {
    const isSaid = new Set(topology.troubles());
    const unread = ownership.troubles().filter(({ reason }) => !reason.split("\n").every((line) => isSaid.has(line)));
    return new Map([
      ...lag.consumerProblems().map((problem) => [problem, problem] as const),
      ...byReason(unread, "cannot be read"),
      ...byReason(lag.unknown(), "cannot be asked how much is unread"),
    ]);
  }

  function present(): Map<string, string> {
    const silence = pulse.trouble();
    if (silence !== undefined) return new Map([["silence", silence.what]]);
    const said = [...topology.troubles(), ...ticking.troubles()];
    return new Map([...said.map((trouble) => [trouble, trouble] as const), ...laneTroubles()]);
  }

  return {
    isAnswering,
    reading,
    lag: () => (isAnswering() ? lag.byLane() : new Map()),
    health() {
      const silence = pulse.trouble();
      return checkHealth({
        connected: isConnected(),
        refusal: session.refusal(),
        silence,
        assigned: own.assigned().length,
        reading: reading().length,
        laneTroubles: silence === undefined ? [...laneTroubles().values()] : [],
        streamTroubles: topology.troubles(),
        pause: pause(),
        lag: isAnswering() ? lag.total() : null,
        backlog: publisher.backlog(),
        publishTrouble: publisher.trouble(),
        tickTroubles: ticking.troubles(),
        nowMs: Date.now(),
      });
    },
    askAnew() {
      pulse.askAnew();
      topology.askAnew();
      void lag.measure();
    },
    stop() {
      clearInterval(timer);
      pulse.stop();
    },
  };
}
