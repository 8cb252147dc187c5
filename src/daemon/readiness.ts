import { jetstreamManager } from "@nats-io/jetstream";
import { createStreamPulse } from "../jetstream/stream-pulse.ts";
import type { TopologyWatch } from "../jetstream/topology-watch.ts";
import { createHealthCheck } from "../ops/health.ts";
import { createTroubles } from "../ops/troubles.ts";
import type { Lane } from "../wire/lanes.ts";
import { byReason } from "./grouped-troubles.ts";
import type { Parts, Readiness, Reading } from "./parts.ts";

type ReadinessParts = Pick<
  Parts,
  "types" | "connection" | "streams" | "own" | "path" | "reading" | "ticking" | "observers" | "logger"
>;

const LOOK_EVERY_MS = 500;
/** A server that is slow is there. */
const ANSWER_MS = 4000;

export function watchReadiness(parts: ReadinessParts): Readiness {
  const { types, connection, own, path, ticking, observers, logger } = parts;
  const { session, isConnected } = connection;
  const { ownership, lag } = parts.reading;
  const { found, watch: topology } = parts.streams;
  const manager = jetstreamManager(session.nc, { checkAPI: false, timeout: ANSWER_MS });
  const pulse = createStreamPulse({
    streams: found.map(({ name }) => name),
    ask: async (stream) => (await manager).streams.info(stream),
  });
  const checkHealth = createHealthCheck();
  const tellTroubles = createTroubles(
    (trouble) => logger.warn({ problem: trouble }, "not as it should be, natstate is not ready"),
    (trouble) => logger.info({ problem: trouble }, "no longer so"),
  );
  const timer = setInterval(look, LOOK_EVERY_MS);

  const isAnswering = () => isConnected() && pulse.trouble() === undefined;

  function look(): void {
    for (const type of types) observers.activity.recordLag(type, isAnswering() ? lag.total(type) : null, Date.now());
    // That NATS is away is said where it is noticed, and everything else follows from it.
    if (isConnected() && !pulse.isSettling()) tellTroubles(present());
  }

  /** Those that get nothing, though the server has something for them, are not read. */
  function reading(): readonly Lane[] {
    if (!isAnswering()) return [];
    const troubled = new Set(ownership.troubles().map(({ lane }) => lane));
    return ownership.reading().filter((lane) => !troubled.has(lane));
  }

  function present(): Map<string, string> {
    const silence = pulse.trouble();
    if (silence !== undefined) return new Map([["silence", silence.what]]);
    const said = [...topology.troubles(), ...ticking.troubles()];
    return new Map([...said.map((trouble) => [trouble, trouble] as const), ...laneTroubles(parts.reading, topology)]);
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
        laneTroubles: silence === undefined ? [...laneTroubles(parts.reading, topology).values()] : [],
        streamTroubles: topology.troubles(),
        pause: path.pause(),
        lag: isAnswering() ? lag.total() : null,
        backlog: path.publishing.backlog(),
        publishTrouble: path.publishing.trouble(),
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

/** Lanes that are not read as they should be, as far as it is not said of their streams. */
function laneTroubles({ ownership, lag }: Reading, topology: TopologyWatch): Map<string, string> {
  const isSaid = new Set(topology.troubles());
  const unread = ownership.troubles().filter(({ reason }) => !reason.split("\n").every((line) => isSaid.has(line)));
  return new Map([
    ...lag.consumerProblems().map((problem) => [problem, problem] as const),
    ...byReason(unread, "cannot be read"),
    ...byReason(lag.unknown(), "cannot be asked how much is unread"),
  ]);
}
