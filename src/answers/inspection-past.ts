import type { Snapshot } from "xstate";
import type { ActorType } from "../actor/actor-type.ts";
import { restoreActor } from "../actor/interpreter.ts";
import { decodeStored } from "../flow/decode.ts";
import { rebuildActor } from "../flow/hot-actors.ts";
import type { Journal } from "../flow/journal.ts";
import type { StoredActor } from "../flow/rows.ts";
import { type InspectedActor, type InspectionMessage, startInspectedActor } from "./inspected-actor.ts";

/** What an inspection reads of the store. */
export type InspectionJournal = Pick<Journal, "findActor" | "eventsOf">;

/** An actor with a longer past is told as it is now, and goes on from there. */
export const PAST_EVENTS = 500;
/** The same for a past of more JSON than this. */
const PAST_BYTES = 4_194_304;

interface Telling {
  readonly redact: boolean;
  /** @param message - JSON. */
  readonly tell: (message: string) => void;
}

/**
 * Starts an actor beside the one in use and tells its past, oldest event first. It takes part in nothing: the store is
 * only read, as it is at this moment.
 *
 * @returns where the actor is now.
 */
export function startFromPast(
  journal: InspectionJournal,
  type: ActorType,
  actorId: string,
  telling: Telling,
): InspectedActor {
  const row = journal.findActor(type.name, actorId);
  const replayed = row !== undefined && row.events <= PAST_EVENTS ? replay(journal, type, row, telling) : undefined;
  if (replayed !== undefined) return replayed;
  return startInspectedActor(type, actorId, {
    snapshot: row && snapshotOf(journal, type, row),
    startedAtMs: row?.updatedAtMs ?? Date.now(),
    redact: telling.redact,
    tell: (message) => telling.tell(JSON.stringify(message)),
  });
}

/** @returns undefined, with nothing told, when there is too much to tell. */
function replay(
  journal: InspectionJournal,
  type: ActorType,
  row: StoredActor,
  { redact, tell }: Telling,
): InspectedActor | undefined {
  const past: string[] = [];
  let bytes = 0;
  let take = (message: string) => {
    bytes += Buffer.byteLength(message);
    past.push(message);
  };
  const actor = startInspectedActor(type, row.id, {
    startedAtMs: row.firstSeenAtMs,
    redact,
    tell: (message: InspectionMessage) => take(JSON.stringify(message)),
  });
  for (const { type: eventType, eventId, timestamp, body, storedAtMs } of journal.eventsOf(row.key)) {
    actor.send({ type: eventType, eventId, timestamp, data: decodeStored(type, eventType, body) }, storedAtMs);
    if (bytes > PAST_BYTES) return undefined;
  }
  take = tell;
  for (const message of past) tell(message);
  return actor;
}

function snapshotOf(journal: InspectionJournal, type: ActorType, row: StoredActor): Snapshot<unknown> {
  const isUsable = restoreActor(type, row) !== undefined;
  const { snapshot } = isUsable ? row : rebuildActor(type, journal.eventsOf(row.key)).persist();
  return JSON.parse(snapshot) as Snapshot<unknown>;
}
