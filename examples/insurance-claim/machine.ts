import { assertEvent, assign, setup } from "xstate";

export interface Claim {
  readonly claimed: number;
  readonly documents: readonly string[];
  readonly estimate: number | null;
  /** What was granted; null until then. */
  readonly granted: number | null;
  readonly deniedFor: string | null;
}

export type Outcome = { readonly outcome: "settled" | "denied" | "abandoned"; readonly paid: number };

type Event =
  | { type: "ClaimFiled"; data: { amount: number } }
  | { type: "DocumentReceived"; data: { document: string } }
  | { type: "DamageAssessed"; data: { estimate: number } }
  | { type: "InformationRequested"; data: { question: string } }
  | { type: "InformationGiven" }
  | { type: "FraudSuspected"; data: { by: string } }
  | { type: "InvestigationClosed"; data: { isFraud: boolean } }
  | { type: "ClaimApproved"; data: { amount: number } }
  | { type: "ClaimDenied"; data: { reason: string } }
  | { type: "AppealFiled" }
  | { type: "PayoutMade"; data: { amount: number } };

const DAY_MS = 24 * 60 * 60_000;

export const machine = setup({
  types: { context: {} as Claim, events: {} as Event, output: {} as Outcome },
  actions: {
    noteClaim: assign(({ event }) => {
      assertEvent(event, "ClaimFiled");
      return { claimed: event.data.amount };
    }),
    fileDocument: assign(({ context, event }) => {
      assertEvent(event, "DocumentReceived");
      return { documents: [...context.documents, event.data.document] };
    }),
    noteEstimate: assign(({ event }) => {
      assertEvent(event, "DamageAssessed");
      return { estimate: event.data.estimate };
    }),
    grant: assign(({ event }) => {
      assertEvent(event, "ClaimApproved");
      return { granted: event.data.amount };
    }),
    noteReason: assign(({ event }) => {
      assertEvent(event, "ClaimDenied");
      return { deniedFor: event.data.reason };
    }),
    noteFraud: assign({ deniedFor: "fraud" }),
    // Never executed: whoever pays reads the decision PayoutDue.
    orderTransfer: () => {},
  },
  guards: {
    hasAllDocuments: ({ context }) => ["photos", "invoice"].every((document) => context.documents.includes(document)),
    isFraud: ({ event }) => {
      assertEvent(event, "InvestigationClosed");
      return event.data.isFraud;
    },
  },
  delays: { answerPeriod: 30 * DAY_MS, appealPeriod: 60 * DAY_MS },
}).createMachine({
  id: "claim",
  context: { claimed: 0, documents: [], estimate: null, granted: null, deniedFor: null },
  initial: "announced",
  output: ({ event }) => event.output as Outcome,
  on: { DocumentReceived: { actions: "fileDocument" } },
  states: {
    announced: {
      on: { ClaimFiled: { target: "review", actions: "noteClaim" } },
    },
    review: {
      initial: "documents",
      on: { InformationRequested: "waiting", FraudSuspected: "investigation" },
      states: {
        documents: { always: { guard: "hasAllDocuments", target: "assessment" } },
        assessment: { on: { DamageAssessed: { target: "approval", actions: "noteEstimate" } } },
        approval: {
          on: {
            ClaimApproved: { target: "#claim.payout", actions: "grant" },
            ClaimDenied: { target: "#claim.denied", actions: "noteReason" },
          },
        },
        whereItWas: { type: "history" },
      },
    },
    waiting: {
      on: { InformationGiven: "review.whereItWas" },
      after: { answerPeriod: "abandoned" },
    },
    investigation: {
      on: {
        InvestigationClosed: [
          { guard: "isFraud", target: "denied", actions: "noteFraud" },
          { target: "review.whereItWas" },
        ],
      },
    },
    payout: {
      entry: "orderTransfer",
      on: { PayoutMade: "settled" },
    },
    denied: {
      on: { AppealFiled: "review.approval" },
      after: { appealPeriod: "closed" },
    },
    settled: {
      type: "final",
      output: ({ context }): Outcome => ({ outcome: "settled", paid: context.granted ?? 0 }),
    },
    closed: { type: "final", output: { outcome: "denied", paid: 0 } },
    abandoned: { type: "final", output: { outcome: "abandoned", paid: 0 } },
  },
});
