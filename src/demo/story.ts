import type { ActorType, DecisionContent, TrafficMessage } from "../actor/actor-type.ts";
import { decodeContent } from "../actor/decision.ts";
import { compareTimestamps } from "../actor/event-time.ts";
import type { ActorAnswer, ActorStep, ActorSteps, EventEntry, PublishedObject } from "../answers/queries.ts";
import { eventTypeOf } from "../wire/names.ts";

/** A message as it stands in the stream. */
export interface Heard {
  readonly message: TrafficMessage;
  readonly sequence: number;
}

/** One delivery and what it brought about. */
export interface StoryLine {
  /** Place in the order of arrival, from 1. */
  readonly heard: number;
  /** Place in the order of event time, from 1; equal times share one. Null when it was never accepted. */
  readonly happened: number | null;
  /** Event time. */
  readonly timestamp: string | null;
  readonly eventType: string;
  readonly outcome: EventEntry["outcome"] | "duplicate" | "rejected";
  /** The event's own fields. */
  readonly data: PublishedObject;
  /** Why it was rejected. */
  readonly reason: string | null;
  /** For a duplicate, the line that was first. */
  readonly sameAs: number | null;
  readonly stateBefore: string;
  readonly stateAfter: string;
  /** What was decided because of it. */
  readonly decision: StoryDecision | null;
}

export interface StoryDecision {
  readonly revision: number;
  /** The revision it replaces. */
  readonly supersedes: number | null;
  /** It takes the one before back, and nothing stands. */
  readonly isWithdrawal: boolean;
  readonly content: DecisionContent;
}

/** All that was heard about one actor, in the order of arrival. */
export interface Story {
  readonly actorId: string;
  readonly lines: readonly StoryLine[];
  readonly end: {
    readonly state: string;
    /** Percent. */
    readonly completeness: number;
    /** Event types not heard. */
    readonly waitingFor: readonly string[];
    /** The standing decision's type, or null. */
    readonly standing: string | null;
  };
}

/**
 * Tells an actor's story, line by line as it was heard.
 *
 * @param known - what natstate answers about it at the end.
 * @param heard - every message about it, duplicates and rejected ones included, in any order.
 */
export function tellStory(
  type: ActorType,
  { end, told }: { readonly end: ActorAnswer; readonly told: ActorSteps },
  heard: readonly Heard[],
): Story {
  let { state } = told.initial;
  const lines: StoryLine[] = [];
  const first = new Map<string, StoryLine>();
  for (const { message, sequence } of [...heard].sort((a, b) => a.sequence - b.sequence)) {
    const key = `${message.subject} ${JSON.stringify(message.headers)} ${message.body}`;
    const step = told.steps.find(({ event }) => event.sequence === sequence);
    const earlier = first.get(key);
    const stateBefore = state;
    state = step?.state ?? state;
    const line: StoryLine = {
      heard: lines.length + 1,
      happened: step === undefined ? (earlier?.happened ?? null) : placeOf(step, told.steps),
      timestamp: step?.event.timestamp ?? earlier?.timestamp ?? null,
      eventType: eventTypeOf(message.subject),
      outcome: step?.event.outcome ?? (message.rejectedAs === undefined ? "duplicate" : "rejected"),
      data: step?.event.data ?? {},
      reason: message.rejectedAs ?? null,
      sameAs: step === undefined ? (earlier?.heard ?? null) : null,
      stateBefore,
      stateAfter: state,
      decision: decisionBy(type, step),
    };
    lines.push(line);
    if (earlier === undefined) first.set(key, line);
  }
  return {
    actorId: String(end[type.idField]),
    lines,
    end: {
      state: end.processingStatus,
      completeness: end.dataCompleteness,
      waitingFor: end.waitingFor,
      standing: end.decision === null ? null : String(end.decision.decisionType),
    },
  };
}

function decisionBy(type: ActorType, step: ActorStep | undefined): StoryDecision | null {
  const [entry] = step?.decisions ?? [];
  if (entry === undefined) return null;
  const { published: _published, sequence: _sequence, ...decision } = entry;
  const content = decodeContent(type, JSON.stringify(decision));
  return {
    revision: Number(entry.revision),
    supersedes: entry.supersedes === null ? null : Number(entry.supersedes),
    isWithdrawal: content.decisionType === type.withdrawn,
    content,
  };
}

function placeOf({ event }: ActorStep, steps: readonly ActorStep[]): number {
  return 1 + steps.filter((other) => compareTimestamps(other.event.timestamp, event.timestamp) < 0).length;
}
