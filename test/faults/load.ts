import { until } from "../until.ts";
import type { Stage } from "./stage.ts";

/** Generous: the machine may be shared by many. */
const PATIENCE_MS = 60_000;

/**
 * Traffic while faults strike: one order's events are spread over all rounds, so that every round meets orders it has
 * to restore. After each strike something new has to be decided before the next.
 *
 * @param strike - given the round, from 0, and what resolves when the round's events are stored.
 */
export async function underLoad(
  world: Stage,
  rounds: number,
  strike: (round: number, published: Promise<void>) => Promise<void>,
  ordersPerRound = 30,
): Promise<void> {
  // By turns: at the end of the list there are copies and latecomers only, of which no decision need follow.
  const messages = world.traffic(rounds * ordersPerRound, rounds * 2);
  let outputs = 0;
  const count = async () => (await world.streamSize("DECISIONS")) + (await world.streamSize("DEAD_LETTERS"));
  for (let round = 0; round < rounds; round++) {
    const published = world.publish(messages.filter((_, index) => index % rounds === round));
    // Should the strike throw, that is what is told.
    published.catch(() => {});
    await strike(round, published);
    await published;
    const before = outputs;
    const grown = async () => {
      const now = await count().catch(() => 0);
      return now > before && now;
    };
    outputs = await until(`progress after strike ${round + 1}`, grown, PATIENCE_MS).catch(async (error: Error) => {
      throw new Error(`${error.message}\n${before} outputs\n${await world.state()}`);
    });
  }
}
