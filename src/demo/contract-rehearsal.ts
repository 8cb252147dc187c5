import type { ActorType, ExpectedActor, Rehearsal, TrafficMessage, TrafficOptions } from "../actor/actor-type.ts";
import { graceOf } from "../actor/delays.ts";
import { inPlaces, type Placed, placeStory } from "../actor/placed-traffic.ts";
import { createRandom, type Random } from "../actor/seeded-random.ts";
import { createContractEvents, gapsOf, type MakeEvent } from "../testing/contract-events.ts";
import { type HostedActor, hostActor, type Published } from "../testing/hosted-actor.ts";
import { eventSubject } from "../wire/names.ts";

/** One event of an actor's life, so long after its first. */
interface Told {
  readonly eventType: string;
  readonly afterMs: number;
  readonly fields: Readonly<Record<string, unknown>>;
}

interface Life {
  /** In the order in which it happens. */
  readonly events: readonly Told[];
  /** When delays end after the last of them, so long after the first. */
  readonly duesMs: readonly number[];
}

/** Lives that are thought up; of more actors each lives one of these. */
const MAX_LIVES = 200;
const MOST_EVENTS = 9;
/** How often the next event is one that the actor waits for; the others are whatever its contract has. */
const EXPECTED = 0.75;
/** Variants of an event's fields. */
const VARIANTS = 1000;
const START_MS = Date.UTC(2026, 0, 1);
/** Delays of a life that are known; one whose delays begin again and again is looked at at the risk of one just ending. */
const MAX_DUES = 50;
/** None of its delays ends so long before or after an actor is looked at. */
const LOOK_MS = 300_000;
const SHIFT_MS = 600_000;
const SHIFTS = 20;
const UNREADABLE: readonly (readonly [rejectedAs: string, body: string])[] = [
  ["malformed_json", "{"],
  ["invalid_event", "{}"],
];

/**
 * A rehearsal for an actor type without one: events that its contract takes, often those it waits for. What must come of
 * them is not said by anybody who knows the rules, but by the type itself, hosted in this process: each event once, in the
 * order in which they happened.
 *
 * @throws ContractError, on use, when no events can be made from the contract.
 */
export function rehearsalFromContract(type: ActorType): Rehearsal {
  return {
    traffic: (options) => makeTraffic(type, options),
    expect: (messages) => expect(type, messages),
    showcaseId: `${type.name}-1`,
  };
}

function makeTraffic(type: ActorType, options: TrafficOptions): TrafficMessage[] {
  const { actors, seed, malformed, idPrefix = "", startMs = START_MS, everyMs = 1000 } = options;
  const random = createRandom(seed);
  const made = createContractEvents(type);
  const hosted = hostActor(type, `${type.name}-0`);
  const lives = Array.from({ length: Math.min(actors, MAX_LIVES) }, () => liveOnce(type, made, hosted, random));
  // What `datesFrom` takes for now.
  const nowMs = startMs + actors * everyMs + 120_000;
  const idOf = (index: number) => `${idPrefix}${type.name}-${index + 1}`;
  const placed: Placed[] = [];
  for (let index = 0; index < actors; index++) {
    const life = lives[index % lives.length] as Life;
    const firstMs = beginningOf(life, { firstMs: startMs + index * everyMs, nowMs, aroundMs: graceOf(type) + LOOK_MS });
    placed.push(...placeStory(index, writeLife(type, idOf(index), life, firstMs), options, random));
  }
  for (let index = 0; index < malformed; index++) {
    const [rejectedAs = "", body = ""] = UNREADABLE[index % UNREADABLE.length] ?? [];
    const actor = Math.floor(random() * actors);
    const subject = eventSubject(type, idOf(actor), Object.keys(type.events)[0] ?? "");
    placed.push({ place: actor, message: { subject, body, rejectedAs } });
  }
  return inPlaces(placed);
}

function liveOnce(type: ActorType, make: MakeEvent, hosted: HostedActor, random: Random): Life {
  const pick = <Item>(items: readonly Item[]) => items[Math.floor(random() * items.length)] as Item;
  const eventTypes = Object.keys(type.events);
  const gaps = gapsOf(type).filter((ms) => type.latenessMs === undefined || ms * MOST_EVENTS <= type.latenessMs);
  const events: Told[] = [];
  hosted.begin();
  let afterMs = 0;
  for (let count = 2 + Math.floor(random() * (MOST_EVENTS - 1)); count > 0; count--) {
    const awaited = hosted.standing().waitingFor.filter((name) => eventTypes.includes(name));
    const eventType = awaited.length > 0 && random() < EXPECTED ? pick(awaited) : pick(eventTypes);
    const { fields } = make(eventType, Math.floor(random() * VARIANTS));
    const told = { eventType, afterMs: Math.floor(afterMs), fields };
    hear(hosted, told, `e${events.length + 1}`);
    events.push(told);
    afterMs += gaps.length === 0 ? 1000 : pick(gaps);
  }
  return { events, duesMs: [...duesOf(hosted)] };
}

/** Lets one delay after the other end. */
function* duesOf(hosted: HostedActor): Generator<number> {
  for (let count = 0; count < MAX_DUES; count++) {
    const due = hosted.standing().due[0]?.at;
    if (due === undefined) return;
    yield Date.parse(due) - START_MS;
    hosted.pass(due, Date.parse(due));
  }
}

function hear(hosted: HostedActor, { eventType, afterMs, fields }: Told, eventId: string): void {
  const atMs = START_MS + afterMs;
  hosted.hear({ ...fields, eventType, eventId, timestamp: new Date(atMs).toISOString() }, atMs);
}

interface Moments {
  readonly firstMs: number;
  readonly nowMs: number;
  readonly aroundMs: number;
}

/** @returns when a life began so that it is past by now, and none of its delays ends about now. */
function beginningOf({ events, duesMs }: Life, { firstMs, nowMs, aroundMs }: Moments): number {
  const latestMs = Math.min(firstMs, nowMs - (events.at(-1)?.afterMs ?? 0));
  const begins = Array.from({ length: SHIFTS }, (_, shift) => latestMs - shift * SHIFT_MS);
  return begins.find((ms) => !duesMs.some((dueMs) => Math.abs(ms + dueMs - nowMs) < aroundMs)) ?? latestMs;
}

function writeLife(type: ActorType, id: string, { events }: Life, firstMs: number): TrafficMessage[] {
  return events.map(({ eventType, afterMs, fields }, index) => {
    const timestamp = new Date(firstMs + afterMs).toISOString();
    const event = { ...fields, [type.idField]: id, eventType, eventId: `e${index + 1}`, timestamp };
    return { subject: eventSubject(type, id, eventType), body: JSON.stringify(event), actorId: id };
  });
}

function expect(type: ActorType, messages: readonly TrafficMessage[]): Map<string, ExpectedActor> {
  const readable = messages.filter(({ rejectedAs, actorId }) => rejectedAs === undefined && actorId !== undefined);
  const byActor = Map.groupBy(readable, ({ actorId }) => actorId as string);
  const hosted = hostActor(type, `${type.name}-0`);
  const expectOne = ([id, heard]: readonly [string, readonly TrafficMessage[]]) => {
    hosted.begin(id);
    return [id, hearOnce(type, hosted, heard)] as const;
  };
  return new Map([...byActor].map(expectOne));
}

function hearOnce(type: ActorType, hosted: HostedActor, heard: readonly TrafficMessage[]): ExpectedActor {
  const bodies = [...new Set(heard.map(({ body }) => String(body)))];
  const events = bodies.map((body) => JSON.parse(body) as Published & { readonly timestamp: string });
  const latestMs = Math.max(Date.now(), ...events.map(({ timestamp }) => Date.parse(timestamp)));
  for (const event of events.sort((a, b) => (a.timestamp < b.timestamp ? -1 : 1))) hosted.hear(event, latestMs);
  hosted.pass(new Date(latestMs - graceOf(type)).toISOString(), latestMs);
  const { state, completeness, view, decision } = hosted.standing();
  return {
    ...{ state, completeness, decision, events: events.length, duplicates: heard.length - events.length },
    view: JSON.parse(JSON.stringify(view)) as ExpectedActor["view"],
  };
}
