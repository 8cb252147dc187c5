import { LRUCache } from "lru-cache";
import type { ActorEvent } from "../actor/actor-type.ts";
import { actorName } from "./batch.ts";
import { freezeFact } from "./hosts/fact.ts";
import { countBefore, type Place, sortFacts } from "./hosts/fact-order.ts";
import type { HotActor } from "./hot-actors.ts";
import type { Journal } from "./journal.ts";
import { ReplayError, readPast } from "./rebuild.ts";
import type { EventName } from "./rows.ts";

/**
 * What actors in memory have heard, at hand for the next fact that happened before others: to read a thousand from their rows
 * costs more than to fold them. Bounded by bytes over all actors, least recently asked for leaves first; what is not at hand
 * is read.
 */
export interface KnownFacts {
  /**
   * What an actor has heard that happened after a place; without one, all. More do no harm. In any order.
   *
   * @param but - the event that it is hearing.
   * @throws ReplayError
   */
  of(actor: HotActor, after?: Place, but?: EventName): readonly ActorEvent[];
  /** It has heard one more, and counts it. */
  heard(actor: HotActor, event: ActorEvent): void;
}

interface Entry {
  /** Another one of that name was made anew, from its row. Weak: one that left memory is not kept by what it had heard. */
  readonly actor: WeakRef<HotActor>;
  /** Events it had heard then: with more, somebody else has let it hear something. */
  readonly events: number;
  /** Sorted. Undefined: it was asked for once, and most are not asked for again; or they would take more than there is. */
  readonly facts: ActorEvent[] | undefined;
  readonly isTooLarge: boolean;
  readonly bytes: number;
}

/** So few are read in 0.05 ms. */
const FEW = 64;
const MAX_BYTES = 16_777_216;
/** Of memory, for a fact without its data, and for one character of that as JSON. */
const EMPTY_BYTES = 256;
const BYTES_A_CHARACTER = 8;

export function createKnownFacts(journal: Pick<Journal, "factsOf">, maxBytes = MAX_BYTES): KnownFacts {
  const entries = new LRUCache<string, Entry>({ maxSize: maxBytes, sizeCalculation: ({ bytes }) => bytes });
  const nameOf = ({ lane, id }: HotActor) => actorName(lane, id);

  function find(actor: HotActor): Entry | undefined {
    const entry = entries.get(nameOf(actor));
    return entry?.actor.deref() === actor && entry.events === actor.events ? entry : undefined;
  }

  function keep(actor: HotActor, facts: ActorEvent[] | undefined, bytes: number): void {
    const isTooLarge = bytes > maxBytes;
    const kept = isTooLarge ? { facts: undefined, bytes: EMPTY_BYTES } : { facts, bytes };
    entries.set(nameOf(actor), { actor: new WeakRef(actor), events: actor.events, isTooLarge, ...kept });
  }

  /** @returns undefined when one cannot be read, of which nobody may have asked. */
  function readAll(actor: HotActor, but: EventName | undefined): ActorEvent[] | undefined {
    const rows = [...journal.factsOf(actor)];
    const bytes = rows.reduce((sum, { body }) => sum + EMPTY_BYTES + BYTES_A_CHARACTER * body.length, EMPTY_BYTES);
    try {
      const facts = [...sortFacts(readPast(actor.lane.type, rows, but))];
      keep(actor, facts, bytes);
      return facts;
    } catch (error) {
      if (error instanceof ReplayError) return undefined;
      throw error;
    }
  }

  return {
    of(actor, after, but) {
      const entry = actor.events < FEW ? undefined : find(actor);
      const facts = entry && !entry.isTooLarge ? (entry.facts ?? readAll(actor, but)) : undefined;
      if (facts !== undefined) return from(facts, after);
      if (actor.events >= FEW && entry === undefined) keep(actor, undefined, EMPTY_BYTES);
      return readPast(actor.lane.type, journal.factsOf(actor, after?.timestamp), but);
    },
    heard(actor, event) {
      const entry = actor.events <= FEW ? undefined : entries.get(nameOf(actor));
      if (entry?.actor.deref() !== actor || entry.events !== actor.events - 1) return;
      const { facts, bytes } = entry;
      if (facts === undefined) return void entries.set(nameOf(actor), { ...entry, events: actor.events });
      const fact = freezeFact(event);
      const index = countBefore(facts, fact);
      facts.splice(index, 0, fact);
      keep(actor, facts, bytes + EMPTY_BYTES + BYTES_A_CHARACTER * JSON.stringify(fact.data).length);
    },
  };
}

/** @param facts - sorted. */
function from(facts: readonly ActorEvent[], after: Place | undefined): readonly ActorEvent[] {
  return after === undefined ? facts : facts.slice(countBefore(facts, after));
}
