import type { ActorEvent, ActorType } from "../actor/actor-type.ts";
import { createRandom } from "../actor/seeded-random.ts";
import { freezeFact } from "../flow/hosts/fact.ts";
import { attempt, begin, FoldFault, foldFact, type Point } from "../flow/hosts/fold.ts";
import { createStatechart } from "../flow/hosts/statechart.ts";
import { createContractEvents, gapsOf } from "./contract-events.ts";

/** Walks that are taken, and events in each: what a machine reads of an event shows in a few. */
const WALKS = 60;
const EVENTS = 10;
const VARIANTS = 4;
const MAX_DELAYS = 100;
const START_MS = Date.parse("2026-01-01T00:00:00Z");

/**
 * Fields of the contract that a machine's code looks for on the event itself, as statecharts made elsewhere do: it finds
 * undefined there, a guard then says no, and nothing fails. Found by letting events happen that are made from the contract.
 *
 * @returns a line for each event type and field.
 */
export function findMisread(type: ActorType): string[] {
  const misread = new Set<string>();
  try {
    walk(type, (eventType, field) =>
      misread.add(`${eventType}'s ${field} is looked for as event.${field}: it is event.data.${field}`),
    );
  } catch {
    // Nothing can be made of its contract, or that throws: whoever lets its events happen says so.
  }
  return [...misread];
}

type Note = (eventType: string, field: string) => void;

function walk(type: ActorType, note: Note): void {
  const actor = { chart: createStatechart(type.machine), id: `some-${type.name}`, maxDelays: MAX_DELAYS };
  const [make, gaps, random] = [createContractEvents(type), gapsOf(type), createRandom(1)];
  const pick = <Item>(items: readonly Item[]) => items[Math.floor(random() * items.length)] as Item;
  for (let walked = 0; walked < WALKS; walked++) {
    let atMs = START_MS;
    let point: Point | FoldFault | undefined;
    for (let told = 0; told < EVENTS && !(point instanceof FoldFault); told++) {
      const eventType = pick(Object.keys(type.events));
      atMs += pick(gaps);
      const { data } = make(eventType, Math.floor(random() * VARIANTS));
      const event = { type: eventType, eventId: `e${told}`, timestamp: new Date(atMs).toISOString(), data };
      const watched = watch(event as ActorEvent, note);
      const from = point;
      // One that fails there, by what it has misread perhaps, goes nowhere from there.
      point = attempt(() => foldFact(actor, from ?? begin(actor, watched), watched).after);
    }
  }
}

/** An event that notes what is looked for on it and is in its data. */
function watch(event: ActorEvent, note: Note): ActorEvent {
  return new Proxy(freezeFact(event), {
    get(fact, name, receiver) {
      if (typeof name === "string" && !Object.hasOwn(fact, name) && Object.hasOwn(fact.data, name))
        note(fact.type, name);
      return Reflect.get(fact, name, receiver);
    },
  });
}
