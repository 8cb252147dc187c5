import { assign, createMachine } from "xstate";
import { z } from "zod";
import type { ActorType } from "../../src/actor/actor-type.ts";
import { compareActor, type Difference } from "../../src/care/diff.ts";
import { openDeriver } from "../../src/care/verify-actor.ts";
import type { Delivery } from "../../src/flow/delivery.ts";
import { atOnce } from "../../src/flow/pieces.ts";
import type { PublishedDecision } from "../../src/flow/rows.ts";
import { createImages } from "../../src/store/stored-actor.ts";
import type { Lane } from "../../src/wire/lanes.ts";
import { deliver } from "./delivery.ts";
import type { Station } from "./station.ts";

/** What a meter keeps: the sum depends on the order of all it has read. */
export interface Meter {
  readonly sum: number;
  readonly last: number;
  readonly spoiled: boolean;
}

type Heard = { type: string; data: { value: number } };

/** A meter that remembers the order, and cannot read 13 before it is spoiled. */
export const sumMachine = createMachine({
  types: {} as { context: Meter; events: Heard },
  id: "meter",
  context: { sum: 0, last: 0, spoiled: false },
  on: {
    Read: {
      actions: assign(({ context, event }) => {
        const { value } = event.data;
        if (value === 13 && !context.spoiled) throw new Error("unlucky");
        return { sum: (context.sum * 3 + value) % 1_000_003, last: value };
      }),
    },
    Spoiled: { actions: assign({ spoiled: true }) },
  },
});

/** A meter that hears every third reading, and nothing of being spoiled. */
export const deafMachine = createMachine({
  types: {} as { context: Meter; events: Heard },
  id: "meter",
  context: { sum: 0, last: 0, spoiled: false },
  on: {
    Read: {
      guard: ({ event }) => event.data.value % 3 === 0,
      actions: assign({ sum: ({ context }) => context.sum + 1, last: ({ event }) => event.data.value }),
    },
    Unknown: {},
  },
});

/** A meter that is quiet so long after its last reading. */
export const waitMachine = (ms: number) =>
  createMachine({
    id: "meter",
    context: { sum: 0, last: 0, spoiled: false },
    initial: "on",
    states: { on: { after: { [ms]: "quiet" }, on: { Read: { target: "on", reenter: true } } }, quiet: {} },
    on: { Spoiled: {} },
  } as never);

const meterType = {
  name: "meter",
  collection: "meters",
  idField: "meterId",
  events: { Read: z.object({ value: z.number() }), Spoiled: z.object({}) },
  machine: sumMachine,
  version: 1,
  states: ["meter"],
  decisionTypes: ["MeterRead", "MeterWithdrawn"],
  withdrawn: "MeterWithdrawn",
  conclude: ({ context }) => ({
    content: context.last === 0 ? null : { decisionType: "MeterRead", last: context.last },
  }),
  completeness: () => 0,
  view: ({ context }) => ({ ...context }),
  waitingFor: () => [],
} satisfies ActorType<Meter>;

/** Partition 3 of meters, whose type may be another. */
export function meterLane(changed: Partial<ActorType<Meter>> = {}): Lane {
  return { type: { ...meterType, ...changed } as unknown as ActorType, stream: "METERS", partition: 3 };
}

export const METERS_START_MS = Date.parse("2026-02-01T00:00:00Z");
export const meterTime = (second: number) => new Date(METERS_START_MS + second * 1000).toISOString();

interface Told {
  readonly id?: string;
  readonly type?: string;
  /** Second in which it is stored: long after, in the order of sequences. */
  readonly stored?: number;
}

/** An event of a meter at a second, whose value is that. */
export function meterEvent(lane: Lane, sequence: number, second: number, told: Told = {}): Delivery {
  const { id = "busy", type = "Read", stored = 10_000 + sequence / 1000 } = told;
  const timestamp = meterTime(second);
  const eventId = type === "TimePassed" ? `time:${timestamp}` : `e-${second}`;
  const body = { meterId: id, eventType: type, eventId, timestamp, ...(type === "Read" && { value: second }) };
  return { ...deliver(sequence, `meters.${id}.${type}`, body, { lane }), storedAtMs: METERS_START_MS + stored * 1000 };
}

/** Lets who is behind catch up. @returns batches it took. */
export function catchUp({ processor }: Pick<Station, "processor">): number {
  let batches = 0;
  for (; processor.backlog.size() > 0 && batches < 10_000; batches++) processor.apply([]);
  return batches;
}

/** Publishes what is due. @returns each decision of the meter `busy`, as the stream holds it then. */
export function publishAll({ outbox }: Station, lane: Lane, known: PublishedDecision[] = []): PublishedDecision[] {
  const published = outbox.pendingDecisions(lane).map((row, index) => ({ row, sequence: known.length + index + 1 }));
  outbox.markPublished(published, []);
  const own = published.filter(({ row }) => row.actorId === "busy");
  known.push(...own.map(({ row, sequence }) => ({ revision: row.revision, payload: row.payload, sequence })));
  return known;
}

/** What `verify` says of the meter `busy`, given what the stream holds, from a sequence on. */
export function verifyMeter(
  { db }: Station,
  lane: Lane,
  deliveries: readonly Delivery[],
  firstSequence = 1,
): readonly Difference[] {
  const published = { decisions: [], firstSequence: 1 };
  const stored = atOnce(createImages(db).find(lane, "busy"));
  const deriver = openDeriver(65_536);
  const log = { deliveries, firstSequence, createdMs: 0, published };
  const { image } = atOnce(deriver.derive(lane, "busy", stored, log));
  deriver.close();
  return atOnce(compareActor("busy", stored, image, published)).differences;
}
