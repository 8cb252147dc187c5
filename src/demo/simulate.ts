import { actorTypes } from "../../machines/registry.ts";
import type { ActorType, TrafficMessage, TrafficOptions } from "../actor/actor-type.ts";
import type { NatsAccess } from "../jetstream/access.ts";
import { createProgress } from "../ops/progress.ts";
import { expectOf } from "./compare.ts";
import { total } from "./outcome.ts";
import { type Published, publishTraffic } from "./publish-traffic.ts";
import { grouped } from "./report.ts";
import { datesFrom, makeTraffic, rehearsalOf } from "./traffic.ts";

export interface SimulationOptions extends Omit<TrafficOptions, "startMs" | "everyMs" | "idPrefix"> {
  /** One or more URLs, comma-separated. */
  readonly natsUrl: string;
  readonly access?: NatsAccess;
  readonly type: ActorType;
  /** Messages a second; 0: as fast as they are stored. */
  readonly rate: number;
  /** When it happened, ms since the epoch; absent, all of it just has. */
  readonly startMs?: number | undefined;
  /** Put before every id; made of the seed and of `startMs` when absent, so that no two runs meet but the same. */
  readonly idPrefix?: string | undefined;
  /** What a copied command needs to find the system, such as `--nats <url>`; absent, nothing. */
  readonly where?: string | undefined;
  /** The {@link Simulation} as JSON instead of text. */
  readonly json: boolean;
  /** Gets the summary. */
  readonly out: NodeJS.WritableStream;
  /** Gets the progress; standard error when absent. */
  readonly progress?: NodeJS.WritableStream;
  /** Ends it early; what was published by then is summed up. */
  readonly signal?: AbortSignal;
}

export interface Simulation extends Omit<Published, "startedMs"> {
  readonly actors: number;
  readonly seed: number;
  readonly idPrefix: string;
  /** Whose story the type shows. */
  readonly showcaseId: string;
  /** Copies among the messages, when all were published. */
  readonly duplicates: number;
  /** Messages among them that can never be accepted. */
  readonly malformed: number;
  readonly eventsPerSecond: number;
  /** False when it was ended early. */
  readonly complete: boolean;
}

export const simulationDefaults = {
  actors: 100,
  rate: 200,
  shuffle: 25,
  duplicates: 0.15,
  late: 0.05,
  fail: 0.25,
  malformed: 3,
  seed: 1,
} as const;

/**
 * Publishes seeded traffic to a running system.
 *
 * The same seed and `startMs` give the same events under the same ids: published twice, all of the second time are
 * duplicates.
 *
 * @throws NoTrafficError; NatsSetupError when nothing answers or no natstate has made its stream there; PublishError when the stream
 *   does not take a message.
 */
export async function runSimulation(options: SimulationOptions): Promise<Simulation> {
  const { type, actors, seed, json, out, where } = options;
  const dates = datesFrom(options.startMs, actors);
  const { idPrefix = `sim${seed}-${Math.floor(dates.startMs / 1000).toString(36)}-` } = options;
  const messages = makeTraffic(type, { ...options, ...dates, idPrefix });
  const showcaseId = idPrefix + rehearsalOf(type).showcaseId;
  const { startedMs: _startedMs, ...published } = await publish(options, type, messages, showcaseId);
  const expected = expectOf(type, messages);
  const simulation: Simulation = {
    ...published,
    actors: expected.actors.size,
    seed,
    idPrefix,
    showcaseId,
    duplicates: [...expected.actors.values()].reduce((sum, actor) => sum + actor.duplicates, 0),
    malformed: total(expected.deadLetters),
    eventsPerSecond: Math.round(published.published / Math.max(published.seconds, 0.001)),
    complete: published.published === messages.length,
  };
  out.write(json ? `${JSON.stringify(named(simulation, type), null, 2)}\n` : render(simulation, type, where));
  return simulation;
}

async function publish(
  { natsUrl, access = {}, rate, signal, progress: stream = process.stderr }: SimulationOptions,
  type: ActorType,
  messages: readonly TrafficMessage[],
  showcaseId: string,
): Promise<Published> {
  const progress = createProgress(stream);
  const startedMs = performance.now();
  let stored = 0;
  const onStored = () => {
    stored++;
    const perSecond = Math.round((stored * 1000) / (performance.now() - startedMs));
    progress.show(`published ${grouped(stored)} of ${grouped(messages.length)}, ${grouped(perSecond)}/s`);
  };
  try {
    return await publishTraffic({ type, messages, natsUrl, access, rate, signal, inOrder: showcaseId, onStored });
  } finally {
    progress.clear();
  }
}

/** Their number under the type's own name. */
function named({ actors, ...simulation }: Simulation, { collection }: ActorType): object {
  return { ...simulation, [collection]: actors };
}

function render(simulation: Simulation, type: ActorType, where: string | undefined): string {
  const { published, actors, duplicates, malformed, resent, seconds, eventsPerSecond, complete, showcaseId } =
    simulation;
  const speed = `in ${seconds.toFixed(1)} s (${grouped(eventsPerSecond)}/s)`;
  const what = complete
    ? `Published ${grouped(published)} messages about ${grouped(actors)} ${type.collection} ${speed}: ${grouped(duplicates)} duplicates, ${grouped(malformed)} that can never be accepted.`
    : `Ended early: published ${grouped(published)} messages about ${type.collection} ${speed}.`;
  const again = resent === 0 ? [] : [`${grouped(resent)} of them were sent again, because no answer came in time.`];
  const which = type === actorTypes[0] ? [] : [`--type ${type.name}`];
  const command = (line: string) => `  ${["npx natstate", line, ...which, ...(where ? [where] : [])].join(" ")}`;
  return [
    what,
    ...again,
    "",
    "Now see what has become of them:",
    command("stats"),
    command(`history ${showcaseId}`),
    "",
  ].join("\n");
}
