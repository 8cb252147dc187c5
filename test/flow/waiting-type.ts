import { assign, createMachine } from "xstate";
import { z } from "zod";
import type { ActorType } from "../../src/actor/actor-type.ts";
import type { Timing } from "../../src/actor/delays.ts";
import type { Lane } from "../../src/wire/lanes.ts";

/** A claim that lapses an hour after it was filed; with other times where they are told. */
export function waitingType(timing: Timing = {}): ActorType {
  const machine = createMachine({
    initial: "filed",
    states: {
      filed: { after: { 3600000: "lapsed" }, on: { Filed: { actions: assign({}) }, Paid: "paid" } },
      paid: {},
      lapsed: {},
    },
  });
  const nothing = { content: null, basedOn: [], decidedAt: null };
  return {
    name: "claim",
    collection: "claims",
    idField: "claimId",
    events: { Filed: z.object({}), Paid: z.object({ amount: z.number() }) },
    machine,
    version: 1,
    states: ["filed", "paid", "lapsed"],
    decisionTypes: ["ClaimWithdrawn"],
    withdrawn: "ClaimWithdrawn",
    conclude: () => nothing,
    completeness: () => 0,
    view: () => ({}),
    waitingFor: () => [],
    rehearsal: { traffic: () => [], expect: () => new Map(), showcaseId: "claim-1" },
    ...timing,
  };
}

/** Its partition 3. */
export function waitingLane(timing?: Timing): Lane {
  return { type: waitingType(timing), stream: "CLAIMS", partition: 3 };
}
