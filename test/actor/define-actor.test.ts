import { expect, it } from "vitest";
import { assign, createMachine, setup } from "xstate";
import { z } from "zod";
import { checkActorTypes } from "../../src/actor/check-actor-types.ts";
import { draw, groundless } from "../../src/actor/conclude.ts";
import { readListFilter } from "../../src/answers/query-filters.ts";
import { defineActor, type MachineEvents } from "../../src/natstate.ts";

const events = {
  ClaimFiled: z.object({ amount: z.number() }),
  ClaimApproved: z.object({ by: z.string() }),
  ClaimDenied: z.object({}),
};

const machine = setup({
  types: { context: {} as { amount: number }, events: {} as MachineEvents<typeof events>, tags: {} as "open" },
  actions: { note: assign(({ event }) => (event.type === "ClaimFiled" ? { amount: event.data.amount } : {})) },
}).createMachine({
  id: "claim",
  context: { amount: 0 },
  initial: "announced",
  states: {
    announced: { tags: "open", on: { ClaimFiled: { target: "review", actions: "note" } } },
    review: {
      initial: "approval",
      on: { ClaimDenied: "denied" },
      states: { approval: { on: { ClaimApproved: "#claim.granted" } } },
    },
    granted: { type: "final" },
    denied: { on: { "*": "review" } },
  },
});

const claim = defineActor({
  name: "insurance-claim",
  events,
  machine,
  latenessMs: 60_000,
  maxFacts: 100,
  maxDelays: 100,
  conclude: ({ matches, context }) => ({
    content: matches("granted") ? { decisionType: "PayoutDue", amount: context.amount } : null,
  }),
});

it("a name, events, a machine and a rule are enough", () => {
  expect(claim).toMatchObject({
    collection: "insurance-claims",
    idField: "insuranceClaimId",
    withdrawn: "InsuranceClaimDecisionWithdrawn",
    version: 1,
    states: ["announced", "review.approval", "granted", "denied"],
  });
  expect(checkActorTypes([claim])).toEqual([]);
});

it.each([
  ["claim", "claims", "claimId", "ClaimDecisionWithdrawn"],
  ["box", "boxes", "boxId", "BoxDecisionWithdrawn"],
  ["delivery", "deliveries", "deliveryId", "DeliveryDecisionWithdrawn"],
  ["device-shadow", "device-shadows", "deviceShadowId", "DeviceShadowDecisionWithdrawn"],
  ["key-2-day", "key-2-days", "key2DayId", "Key2DayDecisionWithdrawn"],
])("%s: its names", (name, collection, idField, withdrawn) => {
  expect(defineActor({ name, events, machine, conclude: () => ({ content: null }) })).toMatchObject({
    collection,
    idField,
    withdrawn,
  });
});

const seen = { context: { amount: 1 }, status: "active" as const, output: undefined, tags: new Set<string>() };
const at = (value: object | string) => ({ ...seen, value, matches: () => false }) as Parameters<typeof claim.view>[0];

it("waits for what the active states could take next", () => {
  expect(claim.waitingFor(at("announced"))).toEqual(["ClaimFiled"]);
  expect(claim.waitingFor(at({ review: "approval" }))).toEqual(["ClaimApproved", "ClaimDenied"]);
  expect(claim.waitingFor(at("denied"))).toEqual(["ClaimFiled", "ClaimApproved", "ClaimDenied"]);
  expect(claim.waitingFor({ ...at("granted"), status: "done" })).toEqual([]);
});

it("waits neither for delays nor for what an inner state forbids", () => {
  const forbids = createMachine({
    initial: "a",
    on: { ClaimFiled: ".b", ClaimDenied: ".b", "*": {} },
    states: {
      a: { on: { ClaimDenied: {} }, after: { 1000: "b" }, always: { guard: () => false, target: "b" } },
      b: {},
    },
  });
  const type = defineActor({ name: "claim", events, machine: forbids, conclude: () => ({ content: null }) });
  expect(type.waitingFor(at("a"))).toEqual(["ClaimFiled"]);
});

it("decisions that are described are typed, and the withdrawing one among them", () => {
  const type = defineActor({
    name: "claim",
    events,
    machine,
    decisions: { PayoutDue: z.object({ amount: z.number() }) },
    conclude: ({ matches, context }) => ({
      content: matches("granted") ? { decisionType: "PayoutDue", amount: context.amount } : null,
    }),
  });
  expect(type.decisionTypes).toEqual(["PayoutDue", "ClaimDecisionWithdrawn"]);
  expect(Object.keys(type.decisions)).toEqual(type.decisionTypes);
  expect(checkActorTypes([type])).toEqual([]);
});

it("decisions that are not described may be any, and are asked for by name", () => {
  const drawn = (decisionType: unknown) => {
    const content = { decisionType: decisionType as string };
    const type = defineActor({ name: "claim", events, machine, conclude: () => ({ content }) });
    return draw(type, type.conclude(at("announced")), null, groundless(type)).content;
  };
  expect(drawn("PayoutDue")).toEqual({ decisionType: "PayoutDue" });
  expect(() => drawn("pay out")).toThrow('"pay out" is not 1 to 64 letters');
  expect(() => drawn(undefined)).toThrow("undefined is not 1 to 64 letters");
  expect(() => drawn("ClaimDecisionWithdrawn")).toThrow("null says that nothing follows");
  expect(readListFilter(claim, { decision: "PayoutDue" })).toMatchObject({ decision: "PayoutDue" });
  expect(readListFilter(claim, { decision: claim.withdrawn })).toHaveProperty("problem");
});
