import type { ActorType, TrafficMessage } from "../actor/actor-type.ts";
import type { ActorCounts } from "../answers/queries.ts";
import { openSession } from "../jetstream/session.ts";
import type { Progress } from "../ops/progress.ts";
import { compare, expectOf } from "./compare.ts";
import { type Outcome, type OutcomeReader, openOutcomeReader } from "./outcome.ts";
import { publishTraffic } from "./publish-traffic.ts";
import { grouped, type Report } from "./report.ts";
import { settle } from "./settle.ts";
import { type Heard, type Story, tellStory } from "./story.ts";
import { datesFrom, makeTraffic, rehearsalOf } from "./traffic.ts";

export interface RehearsalOptions {
  readonly type: ActorType;
  readonly actors: number;
  readonly seed: number;
  /** A system that has heard nothing of this type yet. */
  readonly daemon: { readonly natsUrl: string; readonly httpUrl: string | null };
  readonly progress: Progress;
  readonly signal: AbortSignal;
}

/** How bad the demo's traffic is; shares as in {@link TrafficOptions}. */
const TROUBLE = { duplicates: 0.15, late: 0.05, fail: 0.25, shuffle: 25, malformed: 12 };

/**
 * Publishes one type's traffic to a running system, waits until it has settled and compares it with what is expected.
 *
 * @throws NotSettledError; NoTrafficError; the signal's reason when it is aborted.
 */
export async function rehearse({ type, actors, seed, daemon, progress, signal }: RehearsalOptions): Promise<Report> {
  const { natsUrl, httpUrl } = daemon;
  if (httpUrl === null) throw new Error("the comparison asks the HTTP API, and NATSTATE_HTTP is off");
  progress.step("making traffic");
  const messages = makeTraffic(type, { ...TROUBLE, ...datesFrom(undefined, actors), actors, seed });
  const expected = expectOf(type, messages);
  const session = await openSession({ url: natsUrl, name: "natstate demo" }, () => {});
  try {
    const reader = await openOutcomeReader(type, httpUrl, session);
    const told = await tell({ type, messages, natsUrl, reader, progress, signal });
    const all = grouped(expected.actors.size);
    progress.step(`comparing ${all} ${type.collection}`);
    const outcome = await reader.outcome(expected.actors.keys(), signal, (read) =>
      progress.show(`comparing: ${grouped(read)} of ${all} ${type.collection} read`),
    );
    const story = await showcase(type, reader, outcome, told.heard);
    const differences = compare(type, expected, outcome);
    const { collection } = type;
    const ok = differences.length === 0;
    const counted = {
      ...countUp(type, outcome),
      expectedBy: type.rehearsal === undefined ? "order of events" : "model",
    } as const;
    return { ok, collection, actors, seed, messages: messages.length, ...told.speed, ...counted, differences, story };
  } finally {
    await session.close();
  }
}

interface Telling extends Pick<RehearsalOptions, "type" | "progress" | "signal"> {
  readonly messages: readonly TrafficMessage[];
  readonly natsUrl: string;
  readonly reader: OutcomeReader;
}

/** Publishes and, at the same time, watches the system follow; done when it has caught up. */
async function tell({ type, messages, natsUrl, reader, progress, signal }: Telling) {
  const { showcaseId } = rehearsalOf(type);
  const heard: Heard[] = [];
  const failed = new AbortController();
  const either = AbortSignal.any([signal, failed.signal]);
  let stored = 0;
  const publishing = publishTraffic({
    type,
    messages,
    natsUrl,
    inOrder: showcaseId,
    signal: either,
    onStored(message, sequence) {
      stored++;
      if (message.subject.startsWith(`${type.collection}.${showcaseId}.`)) heard.push({ message, sequence });
    },
  });
  const settling = settle({
    read: reader.standing,
    deliveries: messages.length,
    signal: either,
    onProgress({ handled, decisionsPublished }) {
      const all = grouped(messages.length);
      progress.show(
        `stored ${grouped(stored)} of ${all} messages, applied ${grouped(handled)}, decisions out ${grouped(decisionsPublished)}`,
      );
    },
  });
  try {
    const [published] = await Promise.all([publishing, settling]);
    const seconds = (performance.now() - published.startedMs) / 1000;
    const eventsPerSecond = Math.round(messages.length / seconds);
    const services = Object.keys(type.events).length;
    return { heard, speed: { publishSeconds: published.seconds, seconds, eventsPerSecond, services } };
  } catch (error) {
    failed.abort(error);
    throw error;
  }
}

async function showcase(
  type: ActorType,
  reader: OutcomeReader,
  { actors }: Outcome,
  heard: readonly Heard[],
): Promise<Story | null> {
  const end = actors.get(rehearsalOf(type).showcaseId);
  return end === undefined ? null : tellStory(type, { end, told: await reader.steps(end) }, heard);
}

function countUp(type: ActorType, { actors, stats }: Outcome) {
  const { decisions, standing, events, deadLetters } = stats;
  const byCompleteness: Record<string, number> = {};
  for (const { dataCompleteness } of actors.values()) {
    byCompleteness[dataCompleteness] = (byCompleteness[dataCompleteness] ?? 0) + 1;
  }
  return {
    byState: (stats[type.collection] as ActorCounts).byState,
    decisions,
    standing: standing.byType,
    events,
    deadLetters: deadLetters.byReason,
    byCompleteness,
  };
}
