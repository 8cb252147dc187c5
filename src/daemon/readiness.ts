import { jetstreamManager } from "@nats-io/jetstream";
import type { Logger } from "pino";
import { createStreamPulse } from "../jetstream/stream-pulse.ts";
import type { Denials } from "../members/denials.ts";
import { createHealthCheck } from "../ops/health.ts";
import { createTroubles } from "../ops/troubles.ts";
import type { Lane } from "../wire/lanes.ts";
import { DEAD_LETTERS_STREAM, DECISIONS_STREAM } from "../wire/names.ts";
import type { Foundation } from "./foundation.ts";
import type { Parts, Readiness } from "./parts.ts";
import { laneTroubles } from "./unread-lanes.ts";

type ReadinessParts = Foundation & Pick<Parts, "reading" | "ticking"> & { readonly denials: Denials };

const LOOK_EVERY_MS = 500;
/** A server that is slow is there. */
const ANSWER_MS = 4000;

export function watchReadiness(parts: ReadinessParts): Readiness {
  const { types, connection, own, path, copying, ticking, denials, observers, logger } = parts;
  const { session, isConnected } = connection;
  const { ownership, lag } = parts.reading;
  const { found, watch: topology } = parts.streams;
  const manager = jetstreamManager(session.nc, { checkAPI: false, timeout: ANSWER_MS });
  const pulse = createStreamPulse({
    streams: found.map(({ name }) => name),
    ask: async (stream) => (await manager).streams.info(stream),
    onLeaderChanged(stream) {
      if (stream === DECISIONS_STREAM || stream === DEAD_LETTERS_STREAM) path.publishing.leaderChanged();
    },
  });
  const checkHealth = createHealthCheck();
  const tellTroubles = createTelling(logger, "not as it should be, natstate is not ready", "no longer so");
  const disagreements = createDisagreements(logger);
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
    const said = [...topology.troubles(), ...ticking.troubles(), ...denials.troubles()];
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
        copying: copying.progress(),
        laneTroubles: silence === undefined ? [...laneTroubles(parts.reading, topology).values()] : [],
        denials: denials.troubles(),
        disagreements: disagreements.latest(),
        streamTroubles: topology.troubles(),
        pause: path.pause(),
        lag: isAnswering() ? lag.total() : null,
        backlog: path.publishing.backlog(),
        publishTrouble: path.publishing.trouble(),
        tickTroubles: ticking.troubles(),
        nowMs: Date.now(),
      });
    },
    disagree: disagreements.tell,
    elected: pulse.elected,
    askAnew(how) {
      pulse.askAnew(how === "moved");
      topology.askAnew();
      void lag.measure();
    },
    stop() {
      clearInterval(timer);
      pulse.stop();
    },
  };
}

/** Says each trouble once in the log, with these words when it begins and when it ends. */
function createTelling(logger: Logger, begun: string, ended: string): ReturnType<typeof createTroubles> {
  return createTroubles(
    (problem) => logger.warn({ problem }, begun),
    (problem) => logger.info({ problem }, ended),
  );
}

/** In what other daemons differ from this one. */
function createDisagreements(logger: Logger) {
  const tell = createTelling(logger, "daemons differ", "daemons differ no longer");
  let latest: readonly string[] = [];
  return {
    latest: () => latest,
    tell(lines: readonly string[]): void {
      latest = lines;
      tell(new Map(lines.map((line) => [line, line])));
    },
  };
}
