import { expect, it } from "vitest";
import { assign, createMachine } from "xstate";
import { z } from "zod";
import { defineActor } from "../../src/actor/define-actor.ts";
import { createFoldAhead } from "../../src/flow/fold-ahead.ts";
import { deliver } from "./delivery.ts";
import { openStation } from "./station.ts";

const machine = createMachine({
  context: { n: 0 },
  on: { Counted: { actions: assign({ n: ({ context }) => context.n + 1 }) } },
});
const type = defineActor({
  name: "thing",
  events: { Counted: z.object({}) },
  machine,
  conclude: () => ({ content: null }),
});
const lane = { type, stream: "THINGS", partition: 3 };

function counted(sequence: number, second: number) {
  const timestamp = new Date(Date.UTC(2026, 0, 1) + second * 1000).toISOString();
  const body = { thingId: "a", eventType: "Counted", eventId: `e-${sequence}`, timestamp };
  return deliver(sequence, "things.a.Counted", body, { lane });
}

const FACTS = 1000;

it("what an actor has heard is read bit by bit, as it is folded, before the first late fact is heard", () => {
  using station = openStation();
  station.processor.apply(Array.from({ length: FACTS }, (_, index) => counted(index + 1, index + 1)));
  let read = 0;
  const journal = {
    ...station.journal,
    factsOf: () => expect.fail("all of it was read at once"),
    *factsInTurn(...asked: Parameters<typeof station.journal.factsInTurn>) {
      for (const fact of station.journal.factsInTurn(...asked)) {
        read++;
        yield fact;
      }
    },
  };
  const actor = station.actors.find(lane, "a", 0);
  const pinned: unknown[] = [];
  const ahead = createFoldAhead(journal, { pin: (each) => pinned.push(each), unpin: (each) => pinned.push(each) });
  const late = { type: "Counted", eventId: "late", timestamp: "2026-01-01T00:00:00.500Z", data: {} };
  const fold = () => ahead.fold({ actor, observation: late } as unknown as Parameters<typeof ahead.fold>[0], 0);
  // No time is left: one piece a batch.
  for (let batch = 1; batch <= 10; batch++) {
    expect(fold()).toBe("unfinished");
    expect(read).toBe(batch);
  }
  expect(pinned.at(-1), "it stays in memory meanwhile").toBe(actor);
  let batches = 10;
  while (fold() === "unfinished" && batches < 10 * FACTS) batches++;
  expect(read, "each once").toBe(FACTS);
  expect(batches).toBeLessThan(10 * FACTS);
});

it("facts that are read in turn are those that are read at once", () => {
  using station = openStation();
  station.processor.apply(Array.from({ length: 200 }, (_, index) => counted(index + 1, 200 - index)));
  while (station.processor.backlog.size() > 0) station.processor.apply([]);
  const actor = station.actors.find(lane, "a", 0);
  for (const from of [undefined, "2026-01-01T00:01:40.000Z"]) {
    const turns = [...station.journal.factsInTurn(actor, from)];
    expect(turns, "those before have their turns too: they may be most").toHaveLength(200);
    const facts = turns.filter((fact) => fact !== undefined);
    expect(facts).toEqual([...station.journal.factsOf(actor, from)]);
    expect(facts).toHaveLength(from === undefined ? 200 : 101);
  }
});
