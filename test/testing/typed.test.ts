import { it } from "vitest";
import { createMachine } from "xstate";
import { z } from "zod";
import { defineActor } from "../../src/actor/define-actor.ts";
import { given } from "../../src/testing/testing.ts";

const claim = defineActor({
  name: "claim",
  events: { ClaimFiled: z.object({ amount: z.number() }), ClaimPaid: z.object({}) },
  decisions: { PayoutDue: z.object({ amount: z.number() }) },
  machine: createMachine({
    initial: "announced",
    states: { announced: { on: { ClaimFiled: "filed" } }, filed: { on: { ClaimPaid: "paid" } }, paid: {} },
  }),
  conclude: ({ matches }) => ({ content: matches("filed") ? { decisionType: "PayoutDue", amount: 1 } : null }),
});

it("what the contract does not have is a compile error", () => {
  const filed = { eventType: "ClaimFiled", amount: 900 } as const;
  given(claim, [filed]).then({ state: "filed", decision: { decisionType: "PayoutDue", amount: 1 } });
  () => {
    // @ts-expect-error: there is no such event
    given(claim, [{ eventType: "ClaimField", amount: 900 }]);
    // @ts-expect-error: nor such a field
    given(claim, [{ eventType: "ClaimFiled", amount: 900, amont: 1 }]);
    // @ts-expect-error: nor is an amount a text
    given(claim, [{ eventType: "ClaimFiled", amount: "900" }]);
    // @ts-expect-error: one is missing
    given(claim, [{ eventType: "ClaimFiled" }]);
    // @ts-expect-error: there is no such decision
    given(claim, [filed]).then({ decision: { decisionType: "PayoutDu", amount: 1 } });
    // @ts-expect-error: nor such a field of it
    given(claim, [filed]).then({ decisions: [{ decisionType: "PayoutDue", amont: 1 }] });
    // @ts-expect-error: nor such an expectation
    given(claim, [filed]).then({ stat: "filed" });
  };
});
