import type { Conclusion, DecisionContent } from "../../machines/actor-type.ts";
import { decodeContent, encodeDecision, nextContent, sameContent, standingAfter } from "./decision.ts";
import type { HotActor } from "./hot-actors.ts";
import type { Delivery, Journal, LedgerRow, Observation } from "./ports.ts";
import type { Tallies } from "./tallies.ts";

/** Where a batch gathers its decisions. */
export interface Decided {
  readonly decisions: LedgerRow[];
  readonly tallies: Tallies;
}

/**
 * Takes the actor's next decision when its conclusion says something else than the one that stands.
 *
 * @param cause - the event that led to the conclusion, as `delivery` brought it.
 */
export function decide(
  journal: Journal,
  actor: HotActor,
  delivery: Delivery,
  cause: Observation,
  conclusion: Conclusion,
  { decisions, tallies }: Decided,
): void {
  const { type } = actor.lane;
  const content = nextContent(type, actor.standing, conclusion);
  if (content === null) return;
  const write = (revision: number): LedgerRow => ({
    actorKey: actor.key,
    type: type.name,
    actorId: actor.id,
    partition: actor.lane.partition,
    revision,
    decisionType: content.decisionType,
    payload: encodeDecision(type, actor.id, content, {
      revision,
      supersedes: revision === 1 ? null : revision - 1,
      decidedAt: conclusion.decidedAt,
      dataCompleteness: type.completeness(actor.live.context()),
      basedOn: conclusion.basedOn,
      causationId: cause.eventId,
      correlationId: cause.correlationId,
    }),
    traceparent: cause.traceparent,
    causedAtMs: delivery.storedAtMs,
  });
  actor.revision = recordDecision(journal, actor, content, write, decisions);
  actor.standing = standingAfter(type, content);
  tallies.add(actor.lane, `decisions:${content.decisionType}`, 1);
  if (actor.revision > 1) tallies.add(actor.lane, "decisions:revised", 1);
}

/** @returns the revision the decision got. */
function recordDecision(
  journal: Journal,
  actor: HotActor,
  content: DecisionContent,
  write: (revision: number) => LedgerRow,
  decisions: LedgerRow[],
): number {
  const { type } = actor.lane;
  const row = write(actor.revision + 1);
  const published = journal
    .importedDecisions(type.name, actor.id)
    .filter((decision) => decision.revision >= row.revision);
  // Up to where the stream says the same it is ours to say no more; what stands before it is another writer's, and
  // history. Where it never says the same it is superseded.
  const same = published.findIndex(({ payload }) => sameContent(decodeContent(type, payload), content));
  for (const { revision, payload, sequence } of same < 0 ? published : published.slice(0, same + 1)) {
    const { decisionType } = decodeContent(type, payload);
    journal.adoptDecision({ ...row, revision, decisionType, payload }, sequence);
  }
  const ours = published[same];
  if (ours !== undefined) return ours.revision;
  const next = published.length === 0 ? row : write((published.at(-1)?.revision ?? actor.revision) + 1);
  journal.recordDecision(next);
  decisions.push(next);
  return next.revision;
}
