import { expect, it } from "vitest";
import { createMachine } from "xstate";
import { z } from "zod";
import { decisionsOf, defineContract } from "../../machines/order/client.ts";
import { checkActorTypes } from "../../src/actor/check-actor-types.ts";
import { defineActor } from "../../src/natstate.ts";

const definition = {
  name: "line-item",
  events: { LineItemAdded: z.object({ price: z.number() }) },
  decisions: { LineItemPriced: z.object({ price: z.number() }) },
} as const;
const machine = createMachine({ initial: "new", states: { new: { on: { LineItemAdded: "priced" } }, priced: {} } });
const PRICED = { decisionType: "LineItemPriced", price: 3 } as const;
const ENVELOPE = {
  ...{ revision: 1, supersedes: null, decidedAt: null, dataCompleteness: 0, basedOn: [] },
  ...{ causationId: "e", correlationId: null },
};

it("a contract and the actor type made of it have the same names, as if it had been written there", () => {
  const contract = defineContract(definition);
  const actor = defineActor({ ...contract, machine, conclude: () => ({ content: PRICED }) });
  expect(contract).toMatchObject({
    ...{ collection: "line-items", idField: "lineItemId", withdrawn: "LineItemDecisionWithdrawn" },
    decisions: { LineItemPriced: definition.decisions.LineItemPriced, LineItemDecisionWithdrawn: expect.anything() },
  });
  expect(actor).toMatchObject(contract);
  expect(actor.decisionTypes).toEqual(["LineItemPriced", "LineItemDecisionWithdrawn"]);
  expect(checkActorTypes([actor])).toEqual([]);
  const body = JSON.stringify({ ...ENVELOPE, ...PRICED, lineItemId: "l1" });
  const decision = decisionsOf(actor).read(body);
  expect(decisionsOf(contract).read(body)).toEqual(decision);
  // @ts-expect-error no decision of it has days
  expect(decision.estimatedDays).toBeUndefined();
});

it("a contract says its own names", () => {
  const own = { collection: "lines", idField: "line", withdrawn: "LineItemUnpriced" } as const;
  const decisions = { ...definition.decisions, LineItemUnpriced: z.object({}) };
  const contract = defineContract({ ...definition, ...own, decisions });
  expect(contract).toMatchObject(own);
  expect(Object.keys(contract.decisions)).toEqual(["LineItemPriced", "LineItemUnpriced"]);
  expect(contract.decisions.LineItemUnpriced).toBe(decisions.LineItemUnpriced);
});

it("decisions that a contract does not describe are read by what all have", () => {
  const { subject, read } = decisionsOf(defineContract({ name: "parcel", events: {} }));
  expect(subject()).toBe("decisions.parcels.*");
  expect(read(JSON.stringify({ ...ENVELOPE, parcelId: "p1", decisionType: "Any", weight: 3 })).weight).toBe(3);
  expect(() => read(JSON.stringify({ ...ENVELOPE, parcelId: "p1" }))).toThrow(/decisionType/);
  expect(() => read(JSON.stringify({ ...ENVELOPE, decisionType: "Any" }))).toThrow(/parcelId/);
});
