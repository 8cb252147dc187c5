import type { Msg } from "@nats-io/transport-node";
import { expect, it } from "vitest";
import { orderType } from "../../machines/order/order.ts";
import type { ActorType } from "../../src/actor/actor-type.ts";
import { answerYields } from "../../src/members/yielding.ts";
import { lanesOf } from "../../src/wire/lanes.ts";
import { createTestClock } from "../clock.ts";

const lanes = lanesOf(orderType as ActorType, 2);

it("a holder that is busy says so at once, and goes on giving: whoever asks again has it", async () => {
  const clock = createTestClock();
  const gave = Promise.withResolvers<readonly string[]>();
  let ask: (message: Msg) => void = () => {};
  const presence = {
    answer(_question: string, take: (message: Msg) => void) {
      ask = take;
    },
  };
  answerYields(presence, lanes, () => gave.promise, clock);
  const told: string[] = [];
  const message = {
    string: () => JSON.stringify({ stream: "ORDERS", partition: 1 }),
    respond: (said: string) => told.push(said),
  };
  ask(message as unknown as Msg);
  await clock.pass(1500);
  expect(told, "before it counts as silent").toEqual(["refused"]);
  gave.resolve([]);
  await clock.pass(0);
  expect(told, "each is answered once").toEqual(["refused"]);
  ask(message as unknown as Msg);
  await clock.pass(0);
  expect(told).toEqual(["refused", "yielded"]);
});
