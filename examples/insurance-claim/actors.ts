import { z } from "zod";
import type { ActorType, Conclusion } from "../../src/actor/actor-type.ts";
import { type Claim, machine, type Outcome } from "./machine.ts";

/** In what order a claim comes this far, in percent. */
const PROGRESS: readonly (readonly [state: string, percent: number])[] = [
  ["announced", 0],
  ["review.documents", 20],
  ["review.assessment", 40],
  ["review.approval", 60],
  ["payout", 80],
];

/** What has to happen next, by state. */
const NEXT: readonly (readonly [state: string, eventType: string])[] = [
  ["announced", "ClaimFiled"],
  ["review.documents", "DocumentReceived"],
  ["review.assessment", "DamageAssessed"],
  ["review.approval", "ClaimApproved"],
  ["waiting", "InformationGiven"],
  ["investigation", "InvestigationClosed"],
  ["payout", "PayoutMade"],
];

/** An insurance claim, from the first notice to the payout. */
export const claimType: ActorType<Claim> = {
  name: "claim",
  collection: "claims",
  idField: "claimId",
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
  version: 1,
  states: [
    ...["announced", "review.documents", "review.assessment", "review.approval", "waiting", "investigation", "payout"],
    ...["denied", "settled", "closed", "abandoned"],
  ],
  decisionTypes: ["PayoutDue", "ClaimRefused", "ClaimClosed", "ClaimReopened"],
  withdrawn: "ClaimReopened",
  decisions: {
    PayoutDue: z.object({ amount: z.number() }),
    ClaimRefused: z.object({ reason: z.string() }),
    ClaimClosed: z.object({ outcome: z.enum(["settled", "denied", "abandoned"]), paid: z.number() }),
    ClaimReopened: z.object({}),
  },
  conclude({ status, output, matches, context }): Conclusion {
    if (status === "done") return { content: { decisionType: "ClaimClosed", ...(output as Outcome) } };
    if (matches("payout")) return { content: { decisionType: "PayoutDue", amount: context.granted ?? 0 } };
    if (matches("denied")) return { content: { decisionType: "ClaimRefused", reason: context.deniedFor ?? "" } };
    return { content: null };
  },
  completeness({ status, matches }) {
    if (status === "done") return 100;
    return PROGRESS.find(([state]) => matches(state))?.[1] ?? 50;
  },
  view: ({ context }) => ({ ...context }),
  waitingFor: ({ matches }) => NEXT.filter(([state]) => matches(state)).map(([, eventType]) => eventType),
};

export default [claimType];
