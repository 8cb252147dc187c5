import type { Snapshot } from "xstate";
import type { ActorType } from "../actor/actor-type.ts";
import { decodeStored } from "../flow/decode.ts";
import { restoreActor, spawnActor } from "../flow/hosts/host.ts";
import type { LiveActor } from "../flow/hosts/live-actor.ts";
import type { Journal } from "../flow/journal.ts";
import { passedAfter, readPast, rebuildActor } from "../flow/rebuild.ts";
import type { StoredActor } from "../flow/rows.ts";
import { type InspectedActor, startInspectedActor, startInspectedFold } from "./inspected-actor.ts";
import type { InspectionMessage, Telling as MessageTelling } from "./inspection-messages.ts";

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
  return start(journal, type, actorId, {
    row,
    startedAtMs: row?.updatedAtMs ?? Date.now(),
    redact: telling.redact,
    tell: (message) => telling.tell(JSON.stringify(message)),
  });
}

/** @param row - absent: from its initial state. */
function start(
  journal: InspectionJournal,
  type: ActorType,
  actorId: string,
  { row, ...telling }: MessageTelling & { readonly row?: StoredActor | undefined },
): InspectedActor {
  if (type.ordering === "merge") {
    const snapshot = row && (JSON.parse(usable(journal, type, row).persist().snapshot) as Snapshot<unknown>);
    return startInspectedActor(type, actorId, snapshot, telling);
  }
  const past = row === undefined ? [] : readPast(type, journal.eventsOf(row));
  const live = row === undefined ? spawnActor(type, actorId) : usable(journal, type, row);
  return startInspectedFold(type, actorId, { ...telling, live, past });
}

function usable(journal: InspectionJournal, type: ActorType, row: StoredActor): LiveActor {
  return restoreActor(type, row.id, row, null) ?? rebuildActor(type, row.id, journal.eventsOf(row));
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
  const actor = start(journal, type, row.id, {
    startedAtMs: row.firstSeenAtMs,
    redact,
    tell: (message: InspectionMessage) => take(JSON.stringify(message)),
  });
  for (const event of journal.eventsOf(row)) {
    const { type: eventType, eventId, timestamp, body, storedAtMs } = event;
    const heard = { type: eventType, eventId, timestamp, data: decodeStored(type, eventType, body) };
    actor.send(heard, storedAtMs, passedAfter(type, event));
    if (bytes > PAST_BYTES) return undefined;
  }
  take = tell;
  for (const message of past) tell(message);
  return actor;
}
