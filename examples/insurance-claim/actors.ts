import { defineActor } from "natstate";
import { z } from "zod";
import { machine } from "./machine.ts";

/** An insurance claim, from the first notice to the payout. */
export const claim = defineActor({
  name: "claim",
  events: {
    ClaimFiled: z.object({ amount: z.number().positive() }),
    DocumentReceived: z.object({ document: z.enum(["photos", "invoice", "police-report"]) }),
    DamageAssessed: z.object({ estimate: z.number().nonnegative() }),
    InformationRequested: z.object({ question: z.string() }),
    InformationGiven: z.object({}),
    FraudSuspected: z.object({ by: z.string() }),
    InvestigationClosed: z.object({ isFraud: z.boolean() }),
    ClaimApproved: z.object({ amount: z.number().positive() }),
    ClaimDenied: z.object({ reason: z.string() }),
    AppealFiled: z.object({}),
    PayoutMade: z.object({ amount: z.number().positive() }),
  },
  machine,
  decisions: {
    PayoutDue: z.object({ amount: z.number() }),
    ClaimRefused: z.object({ reason: z.string() }),
    ClaimClosed: z.object({ outcome: z.enum(["settled", "denied", "abandoned"]), paid: z.number() }),
  },
  withdrawn: "ClaimReopened",
  conclude({ status, output, matches, context }) {
    if (status === "done") return { content: { decisionType: "ClaimClosed", ...output } };
    if (matches("payout")) return { content: { decisionType: "PayoutDue", amount: context.granted ?? 0 } };
    if (matches("denied")) return { content: { decisionType: "ClaimRefused", reason: context.deniedFor ?? "" } };
    return { content: null };
  },
});

export default [claim];
