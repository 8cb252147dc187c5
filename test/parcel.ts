import { assign, setup } from "xstate";
import { z } from "zod";
import type { ActorType } from "../src/actor/actor-type.ts";
import { type Facet, newest } from "../src/actor/merge.ts";

type Scan = Facet<{ place: string }>;
type Delivery = Facet<{ to: string }>;
type Context = { readonly scan?: Scan; readonly delivery?: Delivery };
type Event = ({ type: "ParcelScanned" } & Scan) | ({ type: "ParcelDelivered" } & Delivery);

const machine = setup({
  types: { context: {} as Context, events: {} as Event },
  actions: {
    learnScan: assign(({ context, event }) =>
      event.type === "ParcelScanned" ? { scan: newest(context.scan, event) } : {},
    ),
    learnDelivery: assign(({ context, event }) =>
      event.type === "ParcelDelivered" ? { delivery: newest(context.delivery, event) } : {},
    ),
  },
  guards: {
    isScanned: ({ context }) => context.scan !== undefined,
    isDelivered: ({ context }) => context.delivery !== undefined,
  },
}).createMachine({
  id: "parcel",
  context: {},
  initial: "announced",
  // An event only tells; no event leads to a state ...
  on: { ParcelScanned: { actions: "learnScan" }, ParcelDelivered: { actions: "learnDelivery" } },
  states: {
    // ... but what is known does, whatever came first.
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

export const parcelType = {
  name: "parcel",
  collection: "parcels",
  idField: "parcelId",
  events: { ParcelScanned: z.object({ place: z.string() }), ParcelDelivered: z.object({ to: z.string() }) },
  machine,
  ordering: "merge",
  version: 1,
  states: ["announced", "travelling", "delivered"],
  decisionTypes: ["ParcelArrived", "ParcelDecisionWithdrawn"],
  withdrawn: "ParcelDecisionWithdrawn",
  conclude({ context: { delivery } }) {
    if (delivery === undefined) return { content: null, basedOn: [], decidedAt: null };
    const content = { decisionType: "ParcelArrived", to: delivery.data.to };
    return { content, basedOn: [delivery.eventId], decidedAt: delivery.timestamp };
  },
  completeness: ({ context: { scan, delivery } }) =>
    [scan, delivery].filter((facet) => facet !== undefined).length * 50,
  view: ({ context: { scan, delivery } }) => ({ lastScan: scan?.data ?? null, delivery: delivery?.data ?? null }),
  waitingFor: ({ context: { scan, delivery } }) => [
    ...(scan ? [] : ["ParcelScanned"]),
    ...(delivery ? [] : ["ParcelDelivered"]),
  ],
  rehearsal: { traffic: () => [], expect: () => new Map(), showcaseId: "parcel-1" },
} satisfies ActorType<Context> as ActorType;
