import { expect, it } from "vitest";
import { assign, setup } from "xstate";
import { z } from "zod";
import { createAnswers } from "../../src/answers/answers.ts";
import { atOnce } from "../../src/flow/pieces.ts";
import { defineActor } from "../../src/natstate.ts";
import { openQueries } from "../../src/store/queries.ts";
import type { Lane } from "../../src/wire/lanes.ts";
import { deliver } from "../flow/delivery.ts";
import { applyEach, openStation, type Station } from "../flow/station.ts";

const fail = () => {
  throw new Error("it jams");
};

const machine = setup({ delays: { patience: 90_000 } }).createMachine({
  id: "door",
  type: "parallel",
  states: {
    leaf: {
      initial: "At rest",
      states: {
        "At rest": { on: { Pushed: "moving" } },
        moving: {
          initial: "slow",
          after: { 60000: "At rest" },
          states: { slow: { after: { patience: "fast" } }, fast: {} },
        },
      },
    },
    lock: { initial: "open", states: { open: { on: { Jammed: { actions: assign(fail) } } } } },
  },
});

const door = defineActor({
  name: "door",
  events: { Pushed: z.object({}), Jammed: z.object({}) },
  machine,
  conclude: () => ({ content: null }),
});
const lane: Lane = { type: door, partition: 0, stream: "DOORS" };

const told = (sequence: number, type: string) => {
  const body = { eventType: type, eventId: type, doorId: "d", timestamp: "2026-02-01T10:00:00Z" };
  return { ...deliver(sequence, `doors.d.${type}`, body, { lane }), storedAtMs: Date.parse("2026-02-01T10:00:00Z") };
};

function ask({ file }: Station) {
  const answers = createAnswers(openQueries(file));
  const answer = atOnce(answers.get(door, "d"));
  answers.close();
  return answer;
}

it("an actor is told with its state as text, its value as XState's, and each delay it waits for; one that is held waits for none", () => {
  using station = openStation();
  applyEach(station, [told(1, "Pushed")]);
  const stands = {
    processingStatus: "leaf.moving.slow · lock.open",
    state: "leaf.moving.slow · lock.open",
    value: { leaf: { moving: "slow" }, lock: "open" },
  };
  expect(ask(station)).toMatchObject({
    ...stands,
    due: [
      { path: "leaf.moving", at: "2026-02-01T10:01:00.000Z" },
      { path: "leaf.moving.slow", at: "2026-02-01T10:01:30.000Z" },
    ],
    dataCompleteness: 50,
    waitingFor: ["Jammed"],
  });
  applyEach(station, [told(2, "Jammed")]);
  // It has heard of both, and stands where it stood before.
  expect(ask(station)).toMatchObject({
    ...stands,
    due: [],
    dataCompleteness: 100,
    quarantine: { eventType: "Jammed" },
  });
});
