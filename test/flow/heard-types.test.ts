import { expect, it } from "vitest";
import { createMachine } from "xstate";
import { z } from "zod";
import { defineActor } from "../../src/natstate.ts";
import type { Lane } from "../../src/wire/lanes.ts";
import { deliver } from "./delivery.ts";
import { applyEach, openStation } from "./station.ts";

/** It says nothing of its completeness, and hears only of one of its events. */
const lamp = defineActor({
  name: "lamp",
  events: { LampLit: z.object({}), LampSeen: z.object({}), LampOut: z.object({}) },
  machine: createMachine({
    id: "lamp",
    initial: "dark",
    states: { dark: { on: { LampLit: "bright" } }, bright: { on: { LampOut: "dark" } } },
  }),
  conclude: () => ({ content: null }),
});
const lane: Lane = { type: lamp, partition: 0, stream: "LAMPS" };

let sequence = 0;
const told = (type: string, second: number) => {
  const body = {
    eventType: type,
    eventId: `${type}-${second}`,
    lampId: "l",
    timestamp: `2026-02-01T10:00:0${second}Z`,
  };
  return deliver(++sequence, `lamps.l.${type}`, body, { lane });
};

it("without a rule, completeness is the share of the event types heard, unhandled ones too, also once it was evicted", () => {
  const percents = (order: readonly (readonly [string, number])[], isEvicted: boolean) => {
    using station = openStation();
    return order.map(([type, second]) => {
      applyEach(station, [told(type, second)]);
      if (isEvicted) station.actors.evict(lane, "l");
      return station.row("l").completeness;
    });
  };
  for (const isEvicted of [false, true]) {
    // No state hears LampSeen, and the second LampOut changes nothing.
    const facts = [
      ["LampOut", 3],
      ["LampOut", 4],
      ["LampSeen", 2],
      ["LampLit", 1],
    ] as const;
    expect(percents(facts, isEvicted)).toEqual([33, 33, 67, 100]);
    expect(percents(facts.toReversed(), isEvicted)).toEqual([33, 67, 100, 100]);
  }
});
