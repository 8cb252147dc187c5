import { expect, it } from "vitest";
import { Hosted, permutations, type Told } from "../hosted.ts";
import { claimType } from "./actors.ts";

const told = (type: string, at: string, data: object = {}): Told => ({ type, at, data: { ...data } });
const FILED = told("ClaimFiled", "1 09:00", { amount: 900 });
const PHOTOS = told("DocumentReceived", "1 10:00", { document: "photos" });
const INVOICE = told("DocumentReceived", "1 11:00", { document: "invoice" });
const ASSESSED = told("DamageAssessed", "2 09:00", { estimate: 700 });
const APPROVED = told("ClaimApproved", "3 09:00", { amount: 700 });
const PAYOUT = told("PayoutMade", "4 09:00", { amount: 700 });
const DUE = { decisionType: "PayoutDue", amount: 700 };
const SETTLED = { decisionType: "ClaimClosed", outcome: "settled", paid: 700 };

it("is reviewed, granted, paid and done", () => {
  const claim = new Hosted(claimType);
  claim.hear(FILED, PHOTOS);
  expect(claim.state).toBe("review.documents");
  claim.hear(INVOICE, ASSESSED, APPROVED);
  expect([claim.state, claim.standing]).toEqual(["payout", DUE]);
  claim.hear(PAYOUT);
  expect([claim.state, claim.decisions]).toEqual(["settled", [DUE, SETTLED]]);
  expect(claim.hear(told("AppealFiled", "5 09:00"))).toBe("unhandled");
});

it("goes on where it was once the investigation has found nothing", () => {
  const claim = new Hosted(claimType);
  claim.hear(FILED, PHOTOS, INVOICE, told("FraudSuspected", "1 12:00", { by: "Ada" }));
  expect(claim.state).toBe("investigation");
  claim.hear(told("InvestigationClosed", "1 15:00", { isFraud: false }));
  expect(claim.state).toBe("review.assessment");
});

it("a question that nobody answers in 30 days ends it", () => {
  const claim = new Hosted(claimType);
  claim.hear(FILED, told("InformationRequested", "1 12:00", { question: "Who drove?" }));
  claim.pass("31 11:59");
  expect(claim.decisions).toEqual([]);
  claim.pass("31 12:00");
  const closed = { decisionType: "ClaimClosed", outcome: "abandoned", paid: 0 };
  expect([claim.state, claim.decisions]).toEqual(["abandoned", [closed]]);
  // The answer was in time, and lay in somebody's inbox: done is done only as far as is known.
  claim.hear({ ...told("InformationGiven", "20 12:00"), heard: "31 13:00" });
  expect([claim.state, claim.standing]).toEqual(["review.documents", null]);
});

it("a suspicion heard after the approval it came before holds the payout back", () => {
  const claim = new Hosted(claimType);
  claim.hear(FILED, PHOTOS, INVOICE, ASSESSED, APPROVED);
  expect(claim.hear({ ...told("FraudSuspected", "2 17:00", { by: "Ada" }), heard: "3 10:00" })).toBe("reordered");
  expect([claim.state, claim.decisions]).toEqual(["investigation", [DUE, { decisionType: "ClaimReopened" }]]);
});

it("every arrival order ends the same", () => {
  const facts = [FILED, PHOTOS, INVOICE, ASSESSED, APPROVED, PAYOUT];
  for (const order of permutations(facts)) {
    const claim = new Hosted(claimType);
    claim.hear(...order.map((each) => ({ ...each, heard: "5 09:00" })));
    expect([claim.state, claim.standing]).toEqual(["settled", SETTLED]);
    expect(claim.context).toMatchObject({ claimed: 900, documents: ["photos", "invoice"], estimate: 700 });
  }
});
