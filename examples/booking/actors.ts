import { defineActor } from "natstate";
import { createMachine } from "xstate";
import { z } from "zod";

const TEN_MINUTES_MS = 10 * 60_000;

const machine = createMachine({
  id: "booking",
  initial: "free",
  states: {
    free: { on: { SeatHeld: "held" } },
    held: { on: { SeatPaid: "sold" }, after: { [TEN_MINUTES_MS]: "released" } },
    sold: {},
    released: {},
  },
});

/** A seat that has to be paid within ten minutes. */
export const booking = defineActor({
  name: "booking",
  events: {
    SeatHeld: z.object({ seat: z.string() }),
    SeatPaid: z.object({ amount: z.number().positive() }),
  },
  machine,
  decisions: { SeatSold: z.object({}), SeatReleased: z.object({}) },
  conclude({ matches }) {
    if (matches("sold")) return { content: { decisionType: "SeatSold" } };
    return { content: matches("released") ? { decisionType: "SeatReleased" } : null };
  },
});

export default [booking];
