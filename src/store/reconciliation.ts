import type Database from "better-sqlite3";
import { decodeContent } from "../actor/decision.ts";
import { reconcile } from "../flow/ledger.ts";
import type { FoundOnSubject, Outbox, Reconciled } from "../flow/outbox.ts";
import type { Hearer, PublishedDecision } from "../flow/rows.ts";
import type { Lane } from "../wire/lanes.ts";
import { createHeardEvents } from "./heard-events.ts";
import type { Learning } from "./learning.ts";
import { DECISIONS, type LedgerEntry } from "./tables.ts";

/** Does what `ledger.ts` says of an actor's decisions and its subject. */
export function createReconciliation(db: Database.Database, learning: Learning): Outbox["reconcile"] {
  const selectActor = db.prepare("SELECT key, heard FROM actors WHERE type = ? AND id = ?");
  const selectAll = db.prepare(`SELECT ${DECISIONS.select()} FROM decisions WHERE actor_key = ? ORDER BY revision`);
  const heardEvents = createHeardEvents(db);
  const isEvent = db.prepare("SELECT 1 FROM events WHERE place = ? AND actor_key = ? AND event_id = ?").pluck();
  const markGone = db.prepare("UPDATE decisions SET published = 0 WHERE actor_key = ? AND revision = ?");
  const markDue = db.prepare("UPDATE decisions SET published = NULL WHERE actor_key = ? AND revision = ?");
  const { into, valuesOf } = DECISIONS.insert();
  const upsert = db.prepare(`INSERT ${into} ON CONFLICT DO UPDATE
    SET ${DECISIONS.excluded(["decisionType", "payload", "published"])}`);
  const saveRevision = db.prepare(`UPDATE actors SET revision = ?, row_version = row_version + 1
    WHERE key = ? AND revision <> ?`);

  const hasHeard = (actor: Hearer) => (eventId: string) =>
    heardEvents.findId(actor, eventId).some((place) => isEvent.get(place, actor.key, eventId) !== undefined);

  return db.transaction((lane: Lane, actorId: string, found: FoundOnSubject): Reconciled => {
    const actor = selectActor.get(lane.type.name, actorId) as Hearer | undefined;
    if (actor === undefined) return { due: [], isDiverged: false };
    const { key: actorKey } = actor;
    const own = selectAll.all(actorKey) as LedgerEntry[];
    const plan = reconcile(lane.type, own, found, hasHeard(actor));
    for (const decision of plan.adopt) upsert.run(valuesOf(adopted(lane, { actorId, actorKey }, decision, own)));
    for (const decision of plan.learn) learning.decision(lane, { ...decision, actorId, pastTo: found.pastTo });
    for (const revision of plan.gone) markGone.run(actorKey, revision);
    for (const revision of plan.due) markDue.run(actorKey, revision);
    const latest = own.at(-1);
    if (plan.again !== null && latest !== undefined) upsert.run(valuesOf(saidAgain(latest, plan.again)));
    if (plan.isDiverged) saveRevision.run(plan.revision, actorKey, plan.revision);
    const due = (selectAll.all(actorKey) as LedgerEntry[]).filter((row) => row.published === null);
    return { due, isDiverged: plan.isDiverged };
  });
}

/** The stream's decision, which takes the place of ours. */
function adopted(
  { type, partition }: Lane,
  actor: Pick<LedgerEntry, "actorId" | "actorKey">,
  { revision, payload, sequence }: PublishedDecision,
  own: readonly LedgerEntry[],
): LedgerEntry {
  const ours = own.find((row) => row.revision === revision);
  return {
    ...actor,
    type: type.name,
    partition,
    revision,
    decisionType: decodeContent(type, payload).decisionType,
    payload,
    traceparent: ours?.traceparent ?? null,
    causedAtMs: ours?.causedAtMs ?? 0,
    published: sequence,
  };
}

/** Our latest decision, unchanged but for its place after another writer's. */
function saidAgain(ours: LedgerEntry, revision: number): LedgerEntry {
  const payload = JSON.stringify({ ...JSON.parse(ours.payload), revision, supersedes: revision - 1 });
  return { ...ours, revision, payload, published: null };
}
