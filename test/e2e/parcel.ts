import { assign, setup } from "xstate";
import { z } from "zod";
import type { ActorType } from "../../machines/actor-type.ts";
import { compareTimestamps } from "../../machines/event-time.ts";

interface Fact {
  readonly eventId: string;
  readonly timestamp: string;
  readonly data: Readonly<Record<string, unknown>>;
}

interface ParcelContext {
  readonly scan?: Fact;
  readonly delivery?: Fact;
}

interface ParcelEvent extends Fact {
  readonly type: "ParcelScanned" | "ParcelDelivered";
}

function newest(known: Fact | undefined, { eventId, timestamp, data }: Fact): Fact {
  if (known === undefined) return { eventId, timestamp, data };
  const order = compareTimestamps(known.timestamp, timestamp);
  return order > 0 || (order === 0 && known.eventId >= eventId) ? known : { eventId, timestamp, data };
}

const parcelMachine = setup({
  types: { context: {} as ParcelContext, events: {} as ParcelEvent },
  actions: {
    learnScan: assign(({ context, event }) => ({ scan: newest(context.scan, event) })),
    learnDelivery: assign(({ context, event }) => ({ delivery: newest(context.delivery, event) })),
  },
  guards: {
    isDelivered: ({ context }) => context.delivery !== undefined,
    isScanned: ({ context }) => context.scan !== undefined,
  },
}).createMachine({
  id: "parcel",
  description: "One parcel on its way.",
  context: {},
  initial: "announced",
  on: { ParcelScanned: { actions: "learnScan" }, ParcelDelivered: { actions: "learnDelivery" } },
  states: {
    announced: {
      always: [
        { guard: "isDelivered", target: "delivered" },
        { guard: "isScanned", target: "travelling" },
      ],
    },
    travelling: { always: { guard: "isDelivered", target: "delivered" } },
    delivered: {},
  },
});

/** A second actor type, with nothing but what every type must have: no samples, no fields of decisions, no source file. */
export const parcelType = {
  name: "parcel",
  collection: "parcels",
  idField: "parcelId",
  events: { ParcelScanned: z.object({ place: z.string() }), ParcelDelivered: z.object({ to: z.string() }) },
  machine: parcelMachine,
  version: 1,
  states: ["announced", "travelling", "delivered"],
  decisionTypes: ["ParcelArrived", "ParcelDecisionWithdrawn"],
  withdrawn: "ParcelDecisionWithdrawn",
  conclude({ delivery }: ParcelContext) {
    if (delivery === undefined) return { content: null, basedOn: [], decidedAt: null };
    const content = { decisionType: "ParcelArrived", to: String(delivery.data.to) };
    return { content, basedOn: [delivery.eventId], decidedAt: delivery.timestamp };
  },
  completeness: ({ scan, delivery }: ParcelContext) =>
    (Number(scan !== undefined) + Number(delivery !== undefined)) * 50,
  view: ({ scan, delivery }: ParcelContext) => ({ lastScan: scan?.data ?? null, delivery: delivery?.data ?? null }),
  waitingFor: ({ scan, delivery }: ParcelContext) => [
    ...(scan === undefined ? ["ParcelScanned"] : []),
    ...(delivery === undefined ? ["ParcelDelivered"] : []),
  ],
  rehearsal: { traffic: () => [], expect: () => new Map(), showcaseId: "parcel-1" },
} satisfies ActorType<ParcelContext> as ActorType;
