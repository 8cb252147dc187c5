import { isDeepStrictEqual } from "node:util";
import type { ActorType, DecisionContent, ExpectedActor, TrafficMessage } from "../actor/actor-type.ts";
import { decodeContent } from "../actor/decision.ts";
import { leavesIn } from "../actor/state-text.ts";
import type { ActorAnswer, ActorCounts, Counts, PublishedObject } from "../answers/queries.ts";
import type { Outcome } from "./outcome.ts";
import { rehearsalOf } from "./traffic.ts";

export interface Expectation {
  readonly actors: ReadonlyMap<string, ExpectedActor>;
  /** Messages that can never be accepted, by reason. */
  readonly deadLetters: Counts;
}

/** Asks the type's independent model what must come of these messages, in whatever order they are heard. */
export function expectOf(type: ActorType, messages: readonly TrafficMessage[]): Expectation {
  const deadLetters: Record<string, number> = {};
  for (const { rejectedAs } of messages) {
    if (rejectedAs !== undefined) deadLetters[rejectedAs] = (deadLetters[rejectedAs] ?? 0) + 1;
  }
  return { actors: rehearsalOf(type).expect(messages), deadLetters };
}

/**
 * Compares what a system made of its events with what the model expects: every actor's state, completeness, view,
 * standing decision, events and duplicates; that the stream holds its revisions 1..n, each once and each saying
 * something new; the counts over all actors; and the dead letters by reason.
 *
 * @returns the differences, one readable line each; empty when all agree.
 */
export function compare(type: ActorType, expected: Expectation, outcome: Outcome): string[] {
  const differences: string[] = [];
  for (const [actorId, actor] of expected.actors) {
    const answer = outcome.actors.get(actorId);
    const published = outcome.decisions.get(actorId) ?? [];
    const found =
      answer === undefined
        ? [`not known to natstate, expected ${actor.state} after ${actor.events} events`]
        : [...compareAnswer(type, actor, answer), ...compareRevisions(type, actor, published)];
    differences.push(...found.map((difference) => `${actorId}: ${difference}`));
  }
  for (const actorId of outcome.decisions.keys()) {
    if (!expected.actors.has(actorId))
      differences.push(`${actorId}: has decisions, but nothing was published about it`);
  }
  return [...differences, ...compareTotals(type, expected, outcome)];
}

function compareAnswer(type: ActorType, expected: ExpectedActor, answer: ActorAnswer): string[] {
  const duplicates = answer.eventHistory.reduce((sum, event) => sum + event.duplicates, 0);
  const view = Object.entries(expected.view).map(([name, value]) => differ(name, answer[name], value));
  return [
    ...differ("state", answer.processingStatus, expected.state),
    ...differ("completeness", answer.dataCompleteness, expected.completeness),
    ...view.flat(),
    ...differ("standing decision", contentOf(type, answer.decision), expected.decision),
    ...differ("distinct events", answer.version, expected.events),
    ...differ("events in its history", answer.eventHistory.length, expected.events),
    ...differ("duplicates ignored", duplicates, expected.duplicates),
  ];
}

/** The stream's own story of an actor: no revision missing or twice, none without news, the last one as expected. */
function compareRevisions(type: ActorType, expected: ExpectedActor, published: readonly PublishedObject[]): string[] {
  const contents = published.map((decision) => contentOf(type, decision));
  const last = contents.at(-1) ?? null;
  const standing = last?.decisionType === type.withdrawn ? null : last;
  const sayingNothingNew = contents.flatMap((content, index) =>
    isDeepStrictEqual(content, contents[index - 1] ?? { decisionType: type.withdrawn })
      ? [`revision ${index + 1} says nothing new: ${JSON.stringify(content)}`]
      : [],
  );
  return [
    ...differ("revisions in DECISIONS", fieldOf(published, "revision"), [...published.keys().map((at) => at + 1)]),
    ...differ("superseded revisions", fieldOf(published, "supersedes"), [...published.keys().map((at) => at || null)]),
    ...differ("last decision in DECISIONS", standing, expected.decision),
    ...sayingNothingNew,
  ];
}

function compareTotals(type: ActorType, expected: Expectation, { stats, deadLetters }: Outcome): string[] {
  const byState: Record<string, number> = Object.fromEntries(type.states.map((state) => [state, 0]));
  let duplicates = 0;
  for (const actor of expected.actors.values()) {
    for (const leaf of leavesIn(actor.state)) byState[leaf] = (byState[leaf] ?? 0) + 1;
    duplicates += actor.duplicates;
  }
  const counted = stats[type.collection] as ActorCounts;
  const reasons = Object.keys({ ...expected.deadLetters, ...deadLetters, ...stats.deadLetters.byReason });
  return [
    ...differ(`${type.collection} in all`, counted.total, expected.actors.size),
    ...differ(`${type.collection} by state`, counted.byState, byState),
    ...differ("quarantined", stats.quarantined, 0),
    ...differ("duplicates in all", stats.events.duplicate, duplicates),
    ...reasons.flatMap((reason) => [
      ...differ(`dead letters, ${reason}`, stats.deadLetters.byReason[reason] ?? 0, expected.deadLetters[reason] ?? 0),
      ...differ(`DEAD_LETTERS, ${reason}`, deadLetters[reason] ?? 0, expected.deadLetters[reason] ?? 0),
    ]),
  ];
}

function differ(name: string, found: unknown, expected: unknown): string[] {
  if (isDeepStrictEqual(found, expected)) return [];
  return [`${name} is ${JSON.stringify(found)}, expected ${JSON.stringify(expected)}`];
}

function contentOf(type: ActorType, decision: PublishedObject | null): DecisionContent | null {
  return decision === null ? null : decodeContent(type, JSON.stringify(decision));
}

function fieldOf(published: readonly PublishedObject[], name: string): unknown[] {
  return published.map((decision) => decision[name]);
}
