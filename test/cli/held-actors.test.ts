import { Command } from "commander";
import { expect, it } from "vitest";
import type { ActorType } from "../../src/actor/actor-type.ts";
import type { ActorAnswer, ActorHistory } from "../../src/answers/queries.ts";
import { renderActor, renderHistory } from "../../src/cli/actors-text.ts";
import { addPublish } from "../../src/cli/publish.ts";
import { billType } from "../flow/bills.ts";

/* What the commands say of actors by event time. */

const at = "2026-02-01T00:00:00.000Z";
const quarantine = { eventType: "Paid", error: "bill is held", since: at, parked: 0 };
const bill = {
  ...{ billId: "b", processingStatus: "open", dataCompleteness: 50, decision: null, version: 2, lastUpdated: at },
  ...{ eventHistory: [], waitingFor: ["Paid"], due: [], documents: ["photos", "invoice"] },
} as unknown as ActorAnswer;
const lineOf = (actor: Partial<ActorAnswer>, name: string) =>
  renderActor(billType, { ...bill, ...actor } as ActorAnswer).find((line) => line.startsWith(`${name} `));

it("one that is held waits for events or its release, one with events kept back for its release", () => {
  expect(lineOf({ quarantine }, "waiting for")).toMatch(/ {2}Paid, or its release$/);
  expect(lineOf({ quarantine, waitingFor: [] }, "waiting for")).toMatch(/ {2}an event that mends it, or its release$/);
  expect(lineOf({ quarantine: { ...quarantine, parked: 1 } }, "waiting for")).toMatch(/ {2}its release, Paid$/);
  expect(lineOf({ waitingFor: [] }, "waiting for")).toMatch(/ {2}no event$/);
});

it("an array is JSON", () => {
  expect(lineOf({}, "documents")).toMatch(/ {2}\["photos","invoice"\]$/);
});

it("a history counts its ticks apart", () => {
  const event = { eventId: "e", eventType: "Opened", outcome: "applied", timestamp: at, receivedAt: at };
  const events = [event, { ...event, outcome: "tick", eventType: "TimePassed" }, event];
  const history = { events, decisions: [], total: 3 } as unknown as ActorHistory;
  expect(renderHistory(billType, "b", history)).toContain("2 events, 1 tick");
});

it("what was unhandled when it was heard, and may be handled now, is not left standing as if it were in vain", () => {
  const heard = (outcome: string, second: number) => ({
    ...{ eventId: "e", eventType: "Paid", receivedAt: at, outcome },
    timestamp: `2026-02-01T00:00:0${second}.000Z`,
  });
  const told = (...events: object[]) =>
    renderHistory(billType, "b", { events, decisions: [], total: 2 } as unknown as ActorHistory).join("\n");
  const note = "may have changed that";
  expect(told(heard("unhandled", 5), heard("reordered", 1))).toContain(note);
  expect(told(heard("reordered", 1), heard("unhandled", 5))).not.toContain(note);
  expect(told(heard("unhandled", 1), heard("reordered", 5))).not.toContain(note);
});

it("an event that is of several actor types, or not of the one that is named, is not published", async () => {
  const other = { ...billType, name: "checkout", events: { CheckoutStarted: billType.events.Opened } } as ActorType;
  const publish = (types: readonly ActorType[], ...args: string[]) => {
    const program = new Command();
    addPublish(program, types);
    return program.parseAsync(["publish", "b", ...args], { from: "user" });
  };
  const unclear = publish([billType, { ...billType, name: "invoice" }], "Opened", "{}");
  await expect(unclear).rejects.toThrow("Opened is of bill or invoice: say which with --type");
  const wrong = publish([billType, other], "CheckoutStarted", "{}", "--type", "bill");
  await expect(wrong).rejects.toThrow("CheckoutStarted is of checkout: say which with --type");
  const none = publish([billType, other], "CheckoutStatred", "{}");
  await expect(none).rejects.toThrow(
    "nothing was sent: \"CheckoutStatred\" is none of bill's Opened, Paid, Noted, nor of checkout's CheckoutStarted",
  );
});
