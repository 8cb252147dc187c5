import { Command } from "commander";
import { expect, it } from "vitest";
import type { ActorType } from "../../src/actor/actor-type.ts";
import { addActorReads } from "../../src/cli/actors.ts";
import { timeOrDuration } from "../../src/cli/arguments.ts";
import { addDeadLetters } from "../../src/cli/dead-letters.ts";
import { addInspect } from "../../src/cli/inspect.ts";
import { addPublish } from "../../src/cli/publish.ts";
import { addQuarantine } from "../../src/cli/quarantine.ts";
import { addDemo, addSimulate } from "../../src/cli/rehearsal.ts";
import { addVerify } from "../../src/cli/verify.ts";
import { addWatch } from "../../src/cli/watch.ts";
import { parcelType } from "../parcel.ts";

/** What help says of a command and of those below it. */
function helpOf(command: Command): string {
  let text = "";
  command.configureOutput({ writeOut: (said) => (text += said) }).outputHelp();
  return [text, ...command.commands.map(helpOf)].join("\n");
}

it("a time may be told by how far away it is", () => {
  const now = Date.now();
  expect(Date.parse(timeOrDuration(1)("20m")) - now).toBeCloseTo(1_200_000, -4);
  expect(Date.parse(timeOrDuration(-1)("2h")) - now).toBeCloseTo(-7_200_000, -4);
  expect(timeOrDuration(1)("2026-01-31T00:00:00Z")).toBe("2026-01-31T00:00:00Z");
});

it("where only parcels run, help speaks of parcels: no example is an order's", () => {
  const program = new Command("natstate");
  for (const add of [addActorReads, addDeadLetters, addInspect, addPublish, addQuarantine, addVerify, addWatch]) {
    add(program, [parcelType as ActorType]);
  }
  for (const add of [addDemo, addSimulate]) add(program, [parcelType as ActorType]);
  const help = helpOf(program);
  expect(help).toContain("npx natstate get parcel-1 ");
  expect(help.match(/.*(?:\borders\b|ORD-|orderId|payment).*/gi) ?? []).toEqual([]);
});
