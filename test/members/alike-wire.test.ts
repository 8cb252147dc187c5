import type { Msg } from "@nats-io/transport-node";
import { expect, it } from "vitest";
import type { AlikeAnswer } from "../../src/flow/alike.ts";
import { answerAlike } from "../../src/members/alike-wire.ts";
import { orderLane } from "../flow/delivery.ts";

const NOTHING: AlikeAnswer = { checkpoint: 1, quarantined: [], retired: [] };

/** What is answered to questions, and what went wrong. */
function answering(tell: () => AlikeAnswer) {
  const troubles: string[] = [];
  let take: (message: Msg) => void = () => {};
  const presence = {
    answer(_: string, taken: typeof take) {
      take = taken;
    },
  };
  answerAlike(presence, [orderLane], tell, ({ message }) => troubles.push(message));
  function ask(quarantined: readonly string[], settled: readonly string[] = []): unknown {
    let answered: unknown;
    const { stream, partition } = orderLane;
    const message = {
      string: () => JSON.stringify({ stream, partition, quarantined, settled }),
      respond: (said: unknown) => (answered = said),
    };
    take(message as unknown as Msg);
    return answered;
  }
  return { ask, troubles };
}

it("a store that cannot be read is refused to a copy, and leaves the connection alone", () => {
  const { ask, troubles } = answering(() => {
    throw new Error("disk I/O error");
  });
  expect(ask(["a"])).toBe("refused");
  expect(troubles).toEqual(["disk I/O error"]);
});

it("no more is looked up for a copy than one asks", () => {
  const { ask, troubles } = answering(() => NOTHING);
  const ids = (count: number) => Array.from({ length: count }, (_, index) => `o-${index}`);
  expect(ask(ids(100), ids(100))).toBe(JSON.stringify(NOTHING));
  expect(ask(ids(101))).toBe("refused");
  expect(ask([], ids(101))).toBe("refused");
  expect(troubles).toEqual([]);
});
