import { it } from "node:test";
import { converges, given } from "natstate/testing";
import { claim } from "./actors.ts";

const filed = { eventType: "ClaimFiled", timestamp: "1 09:00", amount: 900 } as const;
const photos = { eventType: "DocumentReceived", timestamp: "1 10:00", document: "photos" } as const;
const invoice = { eventType: "DocumentReceived", timestamp: "1 11:00", document: "invoice" } as const;
const assessed = { eventType: "DamageAssessed", timestamp: "2 09:00", estimate: 700 } as const;
const approved = { eventType: "ClaimApproved", timestamp: "3 09:00", amount: 700 } as const;
const payout = { eventType: "PayoutMade", timestamp: "4 09:00", amount: 700 } as const;
const suspected = (timestamp: string) => ({ eventType: "FraudSuspected", timestamp, by: "Ada" }) as const;

const DUE = { decisionType: "PayoutDue", amount: 700 } as const;
const SETTLED = { decisionType: "ClaimClosed", outcome: "settled", paid: 700 } as const;

it("is reviewed, granted, paid and done", () => {
  given(claim, [filed, photos])
    .then({ state: "review.documents" })
    .heard([invoice, assessed, approved])
    .then({ state: "payout", decision: DUE })
    .heard([payout])
    .then({ state: "settled", decisions: [DUE, SETTLED] })
    .heard([{ eventType: "AppealFiled", timestamp: "5 09:00" }])
    .then({ state: "settled", outcomes: ["unhandled"] });
});

it("goes on where it was once the investigation has found nothing", () => {
  given(claim, [filed, photos, invoice, suspected("1 12:00")])
    .then({ state: "investigation" })
    .heard([{ eventType: "InvestigationClosed", timestamp: "1 15:00", isFraud: false }])
    .then({ state: "review.assessment" });
});

it("a question that nobody answers in 30 days ends it", () => {
  given(claim, [filed, { eventType: "InformationRequested", timestamp: "1 12:00", question: "Who drove?" }])
    .at("31 11:59")
    .then({ decisions: [] })
    .at("31 12:00")
    .then({ state: "abandoned", decisions: [{ decisionType: "ClaimClosed", outcome: "abandoned", paid: 0 }] })
    // The answer was in time, and lay in somebody's inbox: done is done only as far as is known.
    .heard([{ eventType: "InformationGiven", timestamp: "20 12:00" }], "31 13:00")
    .then({ state: "review.documents", decision: null });
});

it("a suspicion heard after the approval it came before holds the payout back", () => {
  given(claim, [filed, photos, invoice, assessed, approved])
    .then({ decision: DUE })
    .heard([suspected("2 17:00")], "3 10:00")
    .then({ state: "investigation", outcomes: ["reordered"], decisions: [DUE, { decisionType: "ClaimReopened" }] });
});

it("every order of arrival ends the same", () => {
  const events = [filed, photos, invoice, assessed, approved, payout];
  converges(claim, { events });
  given(claim, events).then({ state: "settled", decision: SETTLED });
});
