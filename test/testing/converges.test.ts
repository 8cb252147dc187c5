import { AssertionError } from "node:assert";
import { expect, it } from "vitest";
import { z } from "zod";
import { checkout } from "../../examples/checkout/actors.ts";
import { device } from "../../examples/device-shadow/actors.ts";
import { claim } from "../../examples/insurance-claim/actors.ts";
import { orderType } from "../../machines/order/order.ts";
import type { ActorSnapshot, ActorType, Conclusion } from "../../src/actor/actor-type.ts";
import { converges } from "../../src/testing/converges.ts";
import { ASKS_FOR_UNDEFINED, typeOf, WRONG_MACHINES } from "./wrong-machines.ts";

it.each([orderType, claim, device, checkout] as ActorType[])("$name converges", (type) => {
  converges(type, { runs: 40 });
});

/** What it is told. */
function refused(work: () => void): string {
  try {
    work();
  } catch (error) {
    expect(error).toBeInstanceOf(AssertionError);
    return (error as Error).message;
  }
  return "nothing";
}

it.each(Object.entries(WRONG_MACHINES))("a machine that merges is found out: %s", (_why, machine) => {
  const told = refused(() => converges(typeOf(machine)));
  expect(told).toContain("wrong does not converge");
  // The same seed, the same arrivals.
  expect(refused(() => converges(typeOf(machine)))).toBe(told);
});

it("a machine that merges, and asks for what JSON leaves out, finds the same in memory as after a restart", () => {
  converges(typeOf(ASKS_FOR_UNDEFINED));
});

it("an actor that one order stops is told as that, without all that it would else have been", () => {
  const type = { ...typeOf(WRONG_MACHINES["an event leads to a state"] as never), conclude: paidOnly };
  const told = refused(() => converges(type)).split("\n");
  expect(told.slice(1, 3)).toEqual(["  quarantined: true or false", "in the order in which they happened:"]);
  expect(told.join()).toContain('basedOn: with ordering "merge" conclude says it, the ids of events; found undefined');
});

/** As one writes it who does not know that a type that merges says what a decision rests on. */
const paidOnly = ({ matches }: ActorSnapshot): Conclusion => ({
  content: matches("paid") ? { decisionType: "Done" } : null,
});

it("the smallest two arrivals are told as two stories", () => {
  const machine = WRONG_MACHINES["an event leads to a state"];
  const told = refused(() => converges(typeOf(machine as never)));
  expect(told.split("\n").slice(1, 9)).toEqual([
    '  state: "paid" or "cancelled"',
    '  value: "paid" or "cancelled"',
    "in the order in which they happened:",
    expect.stringMatching(/Paid of 00:00:01 .* paid$/),
    expect.stringMatching(/Cancelled of 00:00:02 .* superseded, paid$/),
    "and as they arrived:",
    expect.stringMatching(/Cancelled of 00:00:02 .* cancelled$/),
    expect.stringMatching(/Paid of 00:00:01 .* superseded, cancelled$/),
  ]);
});

it("an actor's own events will do", () => {
  const [machine] = Object.values(WRONG_MACHINES);
  const type = typeOf(machine as never);
  const paid = { eventType: "Paid", timestamp: "10:00", amount: 3 };
  converges(type, { events: [paid, paid] });
  const told = refused(() =>
    converges(type, { events: [paid, { eventType: "Cancelled", timestamp: "10:05", by: "Ada" }] }),
  );
  expect(told).toContain('Cancelled of 10:05 {"by":"Ada"}');
  expect(refused(() => converges(type, { events: [{ ...paid, amount: 6 }] }))).toContain(
    "events[0]: invalid_event: amount",
  );
});

it("a contract that takes nothing made from its schema is named, samples of it will do", () => {
  const machine = WRONG_MACHINES["an event leads to a state"];
  const odd = z.object({ iban: z.string().refine((text) => text === "DE00") });
  const type = { ...typeOf(machine as never), events: { Paid: odd } };
  expect(() => converges(type)).toThrow("no value of event type Paid could be made that its contract takes (iban: ");
  converges({ ...type, samples: () => [{ type: "Paid", label: "", data: { iban: "DE00" } }] });
});
