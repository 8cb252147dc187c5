import { orderType } from "../../machines/order/order.ts";
import type { ActorType } from "../../src/actor/actor-type.ts";
import { type Answers, createAnswers } from "../../src/answers/answers.ts";
import { rehearsalOf } from "../../src/demo/traffic.ts";
import { atOnce, type Pieces } from "../../src/flow/pieces.ts";
import { openQueries, type QueryOptions } from "../../src/store/queries.ts";
import type { Lane } from "../../src/wire/lanes.ts";
import { partitionOf } from "../../src/wire/names.ts";
import { deliver, orderLane } from "../flow/delivery.ts";
import { openStation, type Station } from "../flow/station.ts";

/** Orders in four partitions, as seeded traffic leaves them. */
export const PARTITIONS = 4;

const lanes: readonly Lane[] = Array.from({ length: PARTITIONS }, (_, partition) => ({ ...orderLane, partition }));

/** The order type as `src/` sees it. */
export const order = orderType as ActorType;

/** Applies seeded traffic: every state, duplicates, dead letters. */
export function fill(station: Station, actors: number): void {
  const messages = rehearsalOf(orderType).traffic({
    actors,
    seed: 7,
    duplicates: 0.2,
    late: 0.1,
    fail: 0.3,
    shuffle: 10,
    malformed: 12,
  });
  station.processor.apply(
    messages.map(({ subject, body, headers }, index) => {
      const lane = lanes[partitionOf(subject.split(".")[1] ?? "", PARTITIONS)];
      return deliver(index + 1, subject, body, { headers: { ...headers }, lane });
    }),
  );
}

/** A store with its read side open; `using` closes both. */
export interface OrderBook extends Station {
  readonly queries: Answers;
  /** What they answer about one order, at once. */
  readonly answers: AnswersOfOne;
}

type AnswersOfOne = { readonly [Name in "get" | "history" | "steps" | "next"]: AtOnce<Answers[Name]> };
type AtOnce<Ask> = Ask extends (...asked: infer Asked) => Pieces<infer Answer> ? (...asked: Asked) => Answer : never;

/** Answers questions about one order at once. */
export function answersOf({ get, history, steps, next }: Answers): AnswersOfOne {
  return {
    get: (...asked) => atOnce(get(...asked)),
    history: (...asked) => atOnce(history(...asked)),
    steps: (...asked) => atOnce(steps(...asked)),
    next: (...asked) => atOnce(next(...asked)),
  };
}

export function openOrderBook(options?: QueryOptions): OrderBook {
  const station = openStation();
  const queries = createAnswers(openQueries(station.file, options));
  return {
    ...station,
    queries,
    answers: answersOf(queries),
    [Symbol.dispose]() {
      queries.close();
      station[Symbol.dispose]();
    },
  };
}
