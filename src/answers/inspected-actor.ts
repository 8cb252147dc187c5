import type { ActorEvent, ActorType } from "../actor/actor-type.ts";
import { TIME_PASSED } from "../actor/delays.ts";
import { decodeStored } from "../flow/decode.ts";
import { restoreActor, spawnActor } from "../flow/hosts/host.ts";
import type { LiveActor } from "../flow/hosts/live-actor.ts";
import type { Journal } from "../flow/journal.ts";
import { passedAfter, readPast, rebuildActor } from "../flow/rebuild.ts";
import type { StoredActor } from "../flow/rows.ts";
import { createTeller, type Telling } from "./inspection-messages.ts";

/** What an inspection reads of the store. */
export type InspectionJournal = Pick<Journal, "findActor" | "eventsOf">;

/** An actor with a longer past is told as it is now, and goes on from there. */
export const PAST_EVENTS = 500;
/** The same for a past of more JSON than this. */
const PAST_BYTES = 4_194_304;

/** An actor beside the one in use, led through the same events so that every move of it can be told. */
export interface InspectedActor {
  /** @param atMs - stream time of the event. */
  send(event: ActorEvent, atMs: number): void;
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
  telling: Omit<Telling, "startedAtMs">,
): InspectedActor {
  const row = journal.findActor(type.name, actorId);
  const replayed = row !== undefined && row.events <= PAST_EVENTS ? replay(journal, type, row, telling) : undefined;
  if (replayed !== undefined) return replayed;
  return start(journal, type, actorId, { row, startedAtMs: row?.updatedAtMs ?? Date.now(), ...telling });
}

/** @param row - absent: from its initial state. */
function start(
  journal: InspectionJournal,
  type: ActorType,
  actorId: string,
  { row, ...telling }: Telling & { readonly row?: StoredActor | undefined },
): InspectedActor {
  const live = row === undefined ? spawnActor(type, actorId) : usable(journal, type, row);
  if (type.ordering === "merge") {
    return startInspectedActor(type, actorId, { ...telling, live, isNew: row === undefined });
  }
  const past = row === undefined ? [] : readPast(type, journal.eventsOf(row));
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
  { redact, tell }: Omit<Telling, "startedAtMs">,
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
    tell: (message) => take(message),
  });
  for (const { type: eventType, eventId, timestamp, body, storedAtMs } of journal.eventsOf(row)) {
    actor.send({ type: eventType, eventId, timestamp, data: decodeStored(type, eventType, body) }, storedAtMs);
    if (bytes > PAST_BYTES) return undefined;
  }
  take = tell;
  for (const message of past) tell(message);
  return actor;
}

/**
 * Tells of an actor that merges what XState's inspector says of a live one: first itself with its machine, then that it has
 * started, then each event and snapshot. It is hosted as the one in use is, whose own actions nobody executes.
 */
function startInspectedActor(
  type: ActorType,
  actorId: string,
  { live, isNew, ...telling }: Telling & { readonly live: LiveActor; readonly isNew: boolean },
): InspectedActor {
  const teller = createTeller(type, actorId, telling);
  const now = () => ({ ...JSON.parse(live.persist().snapshot), tags: [...live.snapshot().tags] });
  const init = { type: "xstate.init", ...(isNew && { input: { id: actorId } }) };
  teller.actor(now());
  teller.event(init);
  teller.snapshot(init, now());
  return {
    send(event, storedAtMs) {
      teller.at(storedAtMs);
      teller.event(event);
      live.send(event, () => []);
      teller.snapshot(event, now());
    },
  };
}

/**
 * The same of an actor by event time: after each event, where its fold ends now.
 *
 * @param live - at the moment from which it is told.
 * @param past - all it has heard by then.
 */
function startInspectedFold(
  type: ActorType,
  actorId: string,
  { live, past, ...telling }: Telling & { readonly live: LiveActor; readonly past: readonly ActorEvent[] },
): InspectedActor {
  const teller = createTeller(type, actorId, telling);
  const heard = [...past];
  const now = () => {
    const { status, value, context, output } = live.snapshot();
    return { status, value, context, output, historyValue: {}, children: {} };
  };
  teller.actor(now());
  return {
    send(event, storedAtMs) {
      teller.at(storedAtMs);
      teller.event(event);
      if (event.type !== TIME_PASSED) {
        live.send(event, () => heard);
        heard.push(event);
      }
      const passed = passedAfter(type, { ...event, storedAtMs });
      if (passed !== undefined) live.pass(passed);
      teller.snapshot(event, now());
    },
  };
}
