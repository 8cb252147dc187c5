import type { ActorEvent, ActorType } from "../actor/actor-type.ts";
import { asError } from "../actor/as-error.ts";
import { graceOf, hasDelays, TIME_PASSED } from "../actor/delays.ts";
import { compareTimestamps } from "../actor/event-time.ts";
import { decodeStored } from "./decode.ts";
import { freezeStored } from "./hosts/fact.ts";
import { sortFacts } from "./hosts/fact-order.ts";
import { spawnActor } from "./hosts/host.ts";
import type { LiveActor } from "./hosts/live-actor.ts";
import { atOnce, type Pieces } from "./pieces.ts";
import type { EventName, EventRow, StoredFact } from "./rows.ts";

/**
 * An actor cannot be made from what is stored of it: a bug in the machine's or the contract's new version, or damage.
 */
export class ReplayError extends Error {
  override readonly name = "ReplayError";
}

/**
 * Replays an actor whose stored snapshot is unusable.
 *
 * @param events - its whole history, in stream order.
 * @throws ReplayError when an event that was once applied no longer can be, or the machine does not even start.
 */
export function rebuildActor(type: ActorType, actorId: string, events: Iterable<EventRow>): LiveActor {
  return atOnce(rebuildInPieces(type, actorId, events));
}

/** As {@link rebuildActor}, one event a piece. */
export function* rebuildInPieces(type: ActorType, actorId: string, events: Iterable<EventRow>): Pieces<LiveActor> {
  const live = startAnew(type, actorId);
  const facts: ActorEvent[] = [];
  const storedMs = new Map<ActorEvent, number>();
  const passed: string[] = [];
  for (const row of events) {
    const fact = readFact(type, row);
    if (fact !== undefined) {
      facts.push(fact);
      storedMs.set(fact, row.storedAtMs);
    }
    passed.push(...one(passedAfter(type, row)));
    yield;
  }
  const heard: ActorEvent[] = [];
  for (const fact of type.ordering === "merge" ? facts : sortFacts(facts)) {
    const effect = live.send(fact, () => heard);
    if (effect.kind === "error") throw unreplayable(fact, effect.error);
    heard.push(fact);
    live.settle(fact, storedMs.get(fact) ?? 0, () => heard);
    yield;
  }
  const latest = passed.sort(compareTimestamps).at(-1);
  if (latest !== undefined) live.pass(latest);
  return live;
}

function startAnew(type: ActorType, actorId: string): LiveActor {
  try {
    return spawnActor(type, actorId);
  } catch (cause) {
    throw new ReplayError(asError(cause).message, { cause });
  }
}

/**
 * An event as its machine heard it.
 *
 * @returns undefined for a tick, which no machine hears.
 * @throws ReplayError
 */
export function readFact(type: ActorType, row: StoredFact): ActorEvent | undefined {
  if (row.type === TIME_PASSED) return undefined;
  const { type: eventType, eventId, timestamp, body } = row;
  try {
    return { type: eventType, eventId, timestamp, data: decodeStored(type, eventType, body) };
  } catch (cause) {
    throw unreplayable(row, cause);
  }
}

/**
 * What time has passed for an actor once a message about it is stored: so much that the message says, if it is a tick, and
 * so much that by then all has been heard that is no later than the type's grace.
 *
 * @returns normalised event time; undefined for an actor that waits for nothing ever.
 */
export function passedAfter(
  type: ActorType,
  { type: eventType, timestamp, storedAtMs }: Pick<EventRow, "type" | "timestamp" | "storedAtMs">,
): string | undefined {
  if (!hasDelays(type)) return undefined;
  const heard = new Date(storedAtMs - graceOf(type)).toISOString();
  return eventType === TIME_PASSED && compareTimestamps(heard, timestamp) < 0 ? timestamp : heard;
}

/** @returns all events of an actor that its machine heard, frozen, but the one with that name. @throws ReplayError */
export function readPast(type: ActorType, rows: Iterable<StoredFact>, but?: EventName): ActorEvent[] {
  const facts: ActorEvent[] = [];
  for (const row of rows) {
    const fact = row.type === but?.type && row.eventId === but.eventId ? undefined : readFact(type, row);
    if (fact !== undefined) facts.push(freezeStored(fact));
  }
  return facts;
}

function one<Item>(item: Item | undefined): Item[] {
  return item === undefined ? [] : [item];
}

function unreplayable({ eventId }: Pick<EventRow, "eventId">, cause: unknown): ReplayError {
  return new ReplayError(`stored event ${eventId} cannot be replayed: ${asError(cause).message}`, { cause });
}
