import type { Drawn } from "../actor/conclude.ts";
import { decodeContent, encodeDecision } from "../actor/decision.ts";
import type { Batch } from "./batch.ts";
import type { Delivery, Observation } from "./delivery.ts";
import type { HotActor } from "./hot-actors.ts";
import type { Journal } from "./journal.ts";
import { advance } from "./ledger.ts";
import type { LedgerRow } from "./rows.ts";
import type { Tallies } from "./tallies.ts";

/** An event that was applied, and what its actor concludes since. */
export interface Heard {
  readonly delivery: Delivery;
  readonly observation: Observation;
  readonly conclusion: Drawn;
}

/**
 * Takes the actor's next decision when its conclusion says something else than the one that stands.
 */
export function decide(
  journal: Journal,
  actor: HotActor,
  { delivery, observation: cause, conclusion }: Heard,
  { decisions, tallies }: Batch,
): void {
  const { lane, id } = actor;
  const { type } = lane;
  const dataCompleteness = actor.completeness;
  // What only a store has any more is past, whatever its sequence in a stream of before.
  const sequence = delivery.stored === undefined ? delivery.sequence : Number.NEGATIVE_INFINITY;
  const said = { conclusion, eventId: cause.eventId, dataCompleteness, sequence };
  const { adopt, record, head } = advance(type, actor, said, journal.learntDecisions(type.name, id));
  const write = (revision: number, decisionType: string, payload: string): LedgerRow => ({
    actorKey: actor.key,
    type: type.name,
    actorId: id,
    partition: lane.partition,
    revision,
    decisionType,
    payload,
    traceparent: cause.traceparent,
    causedAtMs: delivery.storedAtMs,
  });
  for (const { revision, payload, sequence } of adopt) {
    const { decisionType } = decodeContent(type, payload);
    journal.adoptDecision(write(revision, decisionType, payload), sequence);
    count(tallies, actor, decisionType, revision);
  }
  if (record !== null) {
    const { revision, content } = record;
    const payload = encodeDecision(type, id, content, {
      revision,
      supersedes: revision === 1 ? null : revision - 1,
      decidedAt: conclusion.decidedAt,
      dataCompleteness,
      basedOn: conclusion.basedOn,
      causationId: cause.eventId,
      correlationId: cause.correlationId,
    });
    const row = write(revision, content.decisionType, payload);
    journal.recordDecision(row);
    decisions.push({
      ...row,
      causationId: cause.eventId,
      correlationId: cause.correlationId,
      sequence: delivery.sequence,
    });
    count(tallies, actor, content.decisionType, revision);
  }
  actor.revision = head.revision;
  actor.standing = head.standing;
}

function count(tallies: Tallies, { lane }: HotActor, decisionType: string, revision: number): void {
  tallies.add(lane, "decisions", 1, decisionType);
  if (revision > 1) tallies.add(lane, "decisions:revised", 1);
}
