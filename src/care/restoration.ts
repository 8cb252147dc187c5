import { causeOf, decodeContent, standingAfter } from "../actor/decision.ts";
import { TIME_PASSED } from "../actor/delays.ts";
import type { BatchResult, Handled } from "../flow/batch-result.ts";
import type { ReachCrashPoint } from "../flow/crash-points.ts";
import { type DecodeLimits, decode } from "../flow/decode.ts";
import type { Delivery, Observation } from "../flow/delivery.ts";
import { type Horizon, isBefore, moveHorizon } from "../flow/hosts/horizon.ts";
import type { HotActors } from "../flow/hot-actors.ts";
import type { Journal } from "../flow/journal.ts";
import { unpark } from "../flow/parked.ts";
import type { Processor } from "../flow/processor.ts";
import { actorRetired, type History, isDigestOf, type RetiredRows } from "../flow/retired.ts";
import type { PublishedDecision, RetiredRow } from "../flow/rows.ts";
import type { Lane } from "../wire/lanes.ts";
import { isRejected } from "../wire/rejection.ts";

export type Restoration = ReturnType<typeof createRestoration>;

export interface RestorationOptions {
  readonly journal: Journal;
  readonly rows: RetiredRows;
  readonly actors: HotActors;
  readonly processor: Processor;
  /** The processor's. */
  readonly limits: DecodeLimits;
  readonly reached?: ReachCrashPoint;
}

/** Ends the retirement of an actor whose late events are parked. Each method is one transaction. */
export function createRestoration(options: RestorationOptions) {
  const { journal, rows, actors, processor, limits, reached = () => {} } = options;

  function findWanted(lane: Lane, actorId: string): RetiredRow | undefined {
    const retired = rows.find(lane.type.name, actorId);
    return retired?.status === "wanted" ? retired : undefined;
  }

  return {
    /**
     * Finds what an actor was made of.
     *
     * @param history - its messages up to the sequence its row names, all when that is 0.
     * @returns undefined when something is missing: one of its events, or a revision.
     */
    recognise: (retired: RetiredRow, history: History) => recognise(retired, history, limits),
    /**
     * Makes the actor as it was, with the decisions it had taken as published, and applies its late events.
     *
     * @param past - what it was made of.
     * @returns undefined when it is not to be brought back any more.
     */
    bringBack(lane: Lane, actorId: string, past: History): BatchResult | undefined {
      const retired = findWanted(lane, actorId);
      if (retired === undefined) return undefined;
      const result = processor.again((batch) => {
        rows.forget(lane.type.name, actorId);
        batch.tallies.add(lane, "retired", -1);
        // First: of an actor that is held on its way, what waits says that it is not to go on.
        const late = journal.takeParked(lane.type.name, actorId);
        const handled = past.deliveries.map(batch.past);
        // Quarantined on the way: its decisions are recognised when it is released.
        if (journal.isQuarantined(lane.type.name, actorId)) {
          for (const decision of past.decisions) learn(journal, lane, actorId, decision);
        } else adoptLedger({ journal, actors, lane, retired }, handled, past.decisions);
        for (const row of late) batch.parked(unpark(lane, row));
        reached("restoring");
      });
      reached("restored");
      return result;
    },
    /** Dead-letters the actor's late events, and all that come. @returns undefined when it is not waited for any more. */
    giveUp(lane: Lane, actorId: string): BatchResult | undefined {
      const retired = findWanted(lane, actorId);
      if (retired === undefined) return undefined;
      return processor.again((batch) => {
        rows.mark(lane.type.name, actorId, "lost");
        const rejected = actorRetired(lane, retired);
        for (const row of journal.takeParked(lane.type.name, actorId)) batch.dismiss(unpark(lane, row), rejected);
      });
    },
  };
}

function recognise(retired: RetiredRow, { deliveries, decisions }: History, limits: DecodeLimits): History | undefined {
  const revisions = new Set(decisions.map(({ revision }) => revision));
  for (let revision = 1; revision <= retired.revision; revision++) {
    if (!revisions.has(revision)) return undefined;
  }
  const events = new Map<string, string>();
  let horizon: Horizon | undefined;
  const past: Delivery[] = [];
  const heard: Observation[] = [];
  for (const delivery of deliveries) {
    // Read again from its first message, the stream does not say where the past ends: where all events are there.
    if (retired.sequence === 0 && events.size === retired.events) break;
    const found = decode(delivery, limits);
    past.push(delivery);
    if (isRejected(found) || found.type === TIME_PASSED) continue;
    const name = `${found.type} ${found.eventId}`;
    // What came too late was none of its events, see `LiveActor.isTooLate`.
    if (events.has(name) || isBefore(horizon, found)) continue;
    events.set(name, found.eventId);
    heard.push(found);
    const { lane, storedAtMs } = delivery;
    const { timestamp } = found;
    horizon = moveHorizon(lane.type, horizon, { timestamp, storedAtMs, count: heard.length, past: () => heard });
  }
  return isDigestOf([...events.values()], retired.digest) ? { deliveries: past, decisions } : undefined;
}

/** Decided by another owner: what has been read so far is no news to it. */
function learn(journal: Journal, lane: Lane, actorId: string, found: PublishedDecision): void {
  journal.learnDecision(lane, actorId, { ...found, pastTo: journal.checkpoint(lane) });
}

type Restored = Pick<RestorationOptions, "journal" | "actors"> & { readonly lane: Lane; readonly retired: RetiredRow };

/** Not derived: an actor that was never retired keeps its decisions when the rules change, until its next event. */
function adoptLedger(
  { journal, actors, lane, retired }: Restored,
  past: readonly Handled[],
  decisions: readonly PublishedDecision[],
): void {
  const { type, partition } = lane;
  const actor = actors.find(lane, retired.actorId, retired.updatedAtMs);
  // A cause is heard once; of several types' events with one id it is the last.
  const heard = past.filter(({ outcome }) => outcome !== "duplicate" && outcome !== "conflict");
  const causes = new Map(heard.map((handled) => [handled.observation?.eventId, handled]));
  // Where a stranger wrote one revision twice, the last one is what the ledger had.
  const byRevision = new Map(decisions.map((found) => [found.revision, found]));
  for (const found of [...byRevision.values()].sort((a, b) => a.revision - b.revision)) {
    const { revision, payload, sequence } = found;
    if (revision > retired.revision) {
      learn(journal, lane, retired.actorId, found);
      continue;
    }
    const content = decodeContent(type, payload);
    const cause = causes.get(causeOf(payload));
    const row = {
      actorKey: actor.key,
      type: type.name,
      actorId: retired.actorId,
      partition,
      revision,
      decisionType: content.decisionType,
      payload,
      traceparent: cause?.observation?.traceparent ?? null,
      causedAtMs: cause?.delivery.storedAtMs ?? retired.updatedAtMs,
    };
    journal.adoptDecision(row, sequence);
    actor.revision = revision;
    actor.standing = standingAfter(type, content);
  }
}
