import { LRUCache } from "lru-cache";
import type { ActorEvent } from "../actor/actor-type.ts";
import { actorName } from "./batch.ts";
import { freezeFact } from "./hosts/fact.ts";
import { comparePlaces, countBefore, type Place, sortFacts } from "./hosts/fact-order.ts";
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
  readonly known: Known | "asked once" | "not to be kept";
  readonly bytes: number;
}

interface Known {
  /** Sorted. */
  readonly facts: ActorEvent[];
  /** What happened before this place is not among them: it is folded once and for all, and may be a hundred times as much. */
  readonly from: Place | undefined;
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

  function keep(actor: HotActor, known: Entry["known"], bytes = EMPTY_BYTES): void {
    entries.set(nameOf(actor), { actor: new WeakRef(actor), events: actor.events, known, bytes });
  }

  /** @returns undefined when one cannot be read, of which nobody may have asked. */
  function readAll(actor: HotActor, but: EventName | undefined): Known | undefined {
    const from = actor.live.base();
    const rows = [...journal.factsOf(actor, from?.timestamp)];
    // What is damaged is no text.
    const bytes = rows.reduce((sum, { body }) => sum + bytesOf(String(body)), EMPTY_BYTES);
    try {
      const known = { facts: [...sortFacts(readPast(actor.lane.type, rows, but))], from };
      if (bytes > maxBytes) keep(actor, "not to be kept");
      else keep(actor, known, bytes);
      return known;
    } catch (error) {
      if (!(error instanceof ReplayError)) throw error;
      keep(actor, "not to be kept");
      return undefined;
    }
  }

  function get(actor: HotActor, but: EventName | undefined): Known | undefined {
    if (actor.events < FEW) return undefined;
    const entry = find(actor);
    if (entry === undefined) return void keep(actor, "asked once");
    if (entry.known === "asked once") return readAll(actor, but);
    return entry.known === "not to be kept" ? undefined : entry.known;
  }

  return {
    of(actor, after, but) {
      const known = get(actor, but);
      if (known === undefined || !holds(known, after)) {
        return readPast(actor.lane.type, journal.factsOf(actor, after?.timestamp), but);
      }
      const { facts } = known;
      return after === undefined ? facts : facts.slice(countBefore(facts, after));
    },
    heard(actor, event) {
      const entry = actor.events <= FEW ? undefined : entries.get(nameOf(actor));
      if (entry?.actor.deref() !== actor || entry.events !== actor.events - 1) return;
      const { known } = entry;
      let { bytes } = entry;
      if (typeof known === "object") {
        const fact = freezeFact(event);
        bytes += bytesOf(JSON.stringify(fact.data));
        // By now some of them may be folded once and for all: they are read again without those.
        if (bytes > maxBytes) return void entries.delete(nameOf(actor));
        known.facts.splice(countBefore(known.facts, fact), 0, fact);
      }
      entries.set(nameOf(actor), { ...entry, events: actor.events, bytes });
    },
  };
}

function bytesOf(json: string): number {
  return EMPTY_BYTES + BYTES_A_CHARACTER * json.length;
}

/** Are all that happened after a place among them? */
function holds({ from }: Known, after: Place | undefined): boolean {
  return from === undefined || (after !== undefined && comparePlaces(after, from) >= 0);
}
