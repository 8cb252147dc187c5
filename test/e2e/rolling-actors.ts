import { defineActor, type MachineEvents } from "natstate";
import { assign, setup } from "xstate";
import { z } from "zod";
import { parcelType } from "../parcel.ts";

/*
 * Actor types of daemons in a rolling upgrade. ROLLING_VERSION says by which version the price is asked for, and
 * ROLLING_PARCELS, set to anything, that parcels are known as well.
 */

const events = { SeatNoted: z.object({}) };
const version = Number(process.env.ROLLING_VERSION ?? 1);

const machine = setup({
  types: { context: {} as { notes: number }, events: {} as MachineEvents<typeof events> },
}).createMachine({
  context: { notes: 0 },
  on: { SeatNoted: { actions: assign({ notes: ({ context }) => context.notes + 1 }) } },
});

/** Each event is a decision more; each version has its price. */
const booking = defineActor({
  name: "booking",
  version,
  events,
  machine,
  decisions: { PriceAsked: z.object({ price: z.number(), notes: z.number() }) },
  conclude: ({ context: { notes } }) => ({
    content: { decisionType: "PriceAsked", price: version * 10, notes },
  }),
});

export default process.env.ROLLING_PARCELS === undefined ? [booking] : [booking, parcelType];
