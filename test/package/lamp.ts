import { defineActor, type MachineEvents } from "natstate";
import { assign, setup } from "xstate";
import { z } from "zod";

const events = { LampLit: z.object({ watts: z.number().positive() }), LampOut: z.object({}) };

const machine = setup({
  types: { context: {} as { watts: number }, events: {} as MachineEvents<typeof events> },
  actions: { noteWatts: assign(({ event }) => (event.type === "LampLit" ? { watts: event.data.watts } : {})) },
}).createMachine({
  id: "lamp",
  context: { watts: 0 },
  initial: "dark",
  states: {
    dark: { on: { LampLit: { target: "bright", actions: "noteWatts" } } },
    bright: { on: { LampOut: "dark" } },
  },
});

export const lamp = defineActor({
  name: "lamp",
  events,
  machine,
  decisions: { CurtainsClosed: z.object({ by: z.enum(["hand", "motor"]) }) },
  conclude: ({ matches }) => ({ content: matches("bright") ? { decisionType: "CurtainsClosed", by: "motor" } : null }),
});

export default [lamp];
