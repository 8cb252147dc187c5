import { z } from "zod";
import { machine } from "../../examples/device-shadow/machine.ts";
import { orderType } from "../../machines/order/order.ts";
import type { ActorType, TrafficMessage } from "../../src/actor/actor-type.ts";
import { defineActor } from "../../src/actor/define-actor.ts";
import { createRandom, type Random } from "../../src/actor/seeded-random.ts";
import { eventSubject } from "../../src/wire/names.ts";
import { plainOrders } from "./workload.ts";

/** What a growing store is filled with, and what it hears then. Sizes are asked for in order, the smallest first. */
export interface GrowthTraffic {
  readonly type: ActorType;
  /** Everything up to so many actors, in pieces; of some of them, evenly spread, one event is kept back. */
  fill(actors: number): Iterable<readonly TrafficMessage[]>;
  /** Actors of their own, so that code is compiled when it is measured. */
  warmUp(): readonly TrafficMessage[];
  /**
   * Of what is kept back, one event each of actors anywhere in the store, with the first event of a new actor for every four.
   *
   * @param parts - that are still to come, all alike: this is the first of them.
   */
  further(parts: number): readonly TrafficMessage[];
  /** Somebody else has so many orders decided. */
  foreign(decisions: number): void;
  /** Decisions that all messages handed out so far lead to. */
  decisions(): number;
}

/** An actor's messages, one of which is kept back of some. */
interface Story {
  readonly messages: readonly TrafficMessage[];
  readonly held: TrafficMessage;
}

/** Actors whose events are mixed with each other. */
const PIECE = 5000;
const MOST_OPEN = 40_000;
const WARM = 4000;
const DECIDING = ["PaymentProcessed", "InventoryReserved"];
/** A daemon says the end of a delay only so long after it: nobody's has ended meanwhile. */
const DAY_MS = 86_400_000;

/**
 * The device of examples/device-shadow, in time for a day after its last heartbeat: each heartbeat moves its delay, and no
 * delay ends.
 */
export const growingDevice: ActorType = defineActor({
  name: "device",
  events: {
    Heartbeat: z.object({}),
    TemperatureMeasured: z.object({ celsius: z.number() }),
    IntervalWanted: z.object({ seconds: z.int().positive() }),
    IntervalReported: z.object({ seconds: z.int().positive() }),
  },
  machine,
  graceMs: DAY_MS,
  conclude: () => ({ content: null }),
});

/** Plain orders; one of five events kept back is one that decides, as in a whole order. */
export function orderGrowth(seed: number): GrowthTraffic {
  let decided = 0;
  const stories = (actors: number, idPrefix: string) => {
    const messages = plainOrders({ orders: actors, seed, shuffle: 0, idPrefix });
    decided += actors;
    return Array.from({ length: actors }, (_, index): Story => {
      const own = messages.slice(index * 5, index * 5 + 5);
      const [deciding, others] = [own.filter(decides), own.filter((message) => !decides(message))];
      const kind = index % 4 === 0 ? deciding : others;
      return { messages: own, held: kind[index % kind.length] ?? (own[0] as TrafficMessage) };
    });
  };
  const growth = createGrowth(orderType, seed, stories);
  return {
    ...growth,
    further(parts) {
      const messages = growth.further(parts);
      // New ones have heard one event so far.
      decided -= messages.filter(({ actorId }) => actorId?.startsWith("new-")).length;
      return messages;
    },
    foreign(decisions) {
      decided += decisions;
    },
    // What decides of some is still kept back.
    decisions: () => decided - growth.held().filter(decides).length,
  };
}

/** After everything devices are filled with. */
const FURTHER_MS = 20 * 60_000;

/** Time goes on from one heartbeat to the next, whoever's it is: when they are lost comes behind all there are. */
function heardAt(message: TrafficMessage, ms: number): TrafficMessage {
  const body = JSON.parse(String(message.body)) as object;
  return { ...message, body: JSON.stringify({ ...body, timestamp: new Date(ms).toISOString() }) };
}

/** Devices of five events, then a heartbeat of each. */
export function deviceGrowth(seed: number, nowMs = Date.now()): GrowthTraffic {
  const firstMs = nowMs - 3_600_000;
  const stories = (actors: number, idPrefix: string) =>
    Array.from({ length: actors }, (_, index): Story => {
      const id = `${idPrefix}device-${index}`;
      const event = (at: number, eventType: string, fields: object = {}): TrafficMessage => {
        const timestamp = new Date(firstMs + index + at * 60_000).toISOString();
        const body = JSON.stringify({ deviceId: id, timestamp, eventType, eventId: `${eventType}-${at}`, ...fields });
        return { subject: eventSubject(growingDevice, id, eventType), body, actorId: id };
      };
      const held = event(10, "Heartbeat");
      return {
        held,
        messages: [
          event(0, "Heartbeat"),
          event(1, "TemperatureMeasured", { celsius: 20 + (index % 50) }),
          event(2, "IntervalWanted", { seconds: 5 }),
          event(3, "IntervalReported", { seconds: 5 }),
          event(4, "Heartbeat"),
          held,
        ],
      };
    });
  const growth = createGrowth(growingDevice, seed, stories);
  let heard = 0;
  return {
    ...growth,
    foreign() {},
    decisions: () => 0,
    further: (parts) => growth.further(parts).map((message) => heardAt(message, firstMs + FURTHER_MS + ++heard)),
  };
}

function createGrowth(
  type: ActorType,
  seed: number,
  stories: (actors: number, idPrefix: string) => readonly Story[],
): Omit<GrowthTraffic, "decisions" | "foreign"> & { held(): readonly TrafficMessage[] } {
  const random = createRandom(seed);
  let filled = 0;
  let warmed = 0;
  let newcomers = 0;
  let held: TrafficMessage[] = [];

  function* fill(actors: number): Iterable<TrafficMessage[]> {
    const wanted = actors - filled;
    const open = Math.min(wanted, MOST_OPEN);
    let index = 0;
    for (; filled < actors; ) {
      const count = Math.min(PIECE, actors - filled);
      const piece: TrafficMessage[] = [];
      for (const story of stories(count, `${filled}-`)) {
        const isOpen = Math.floor(((index + 1) * open) / wanted) > Math.floor((index * open) / wanted);
        index++;
        if (isOpen) held.push(story.held);
        piece.push(...(isOpen ? story.messages.filter((message) => message !== story.held) : story.messages));
      }
      filled += count;
      yield shuffled(piece, random);
    }
  }

  return {
    type,
    held: () => held,
    fill,
    warmUp: () =>
      shuffled(
        stories(WARM, `warm-${++warmed}-`).flatMap(({ messages }) => messages),
        random,
      ),
    further(parts) {
      const own = shuffled(held, random);
      held = own.splice(Math.ceil(own.length / parts));
      const first = stories(Math.ceil(own.length / 4), `new-${++newcomers}-`).flatMap(
        ({ messages }) => messages[0] ?? [],
      );
      return shuffled([...own, ...first], random);
    },
  };
}

function decides({ subject }: TrafficMessage): boolean {
  return DECIDING.some((eventType) => subject.endsWith(`.${eventType}`));
}

function shuffled<Value>(values: readonly Value[], random: Random): Value[] {
  return values
    .map((value) => ({ value, place: random() }))
    .sort((a, b) => a.place - b.place)
    .map(({ value }) => value);
}
