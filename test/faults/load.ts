import { until } from "../until.ts";
import type { World } from "./world.ts";

/** Generous: the machine may be shared by many. */
const PATIENCE_MS = 60_000;

/**
 * Traffic while faults strike: one order's events are spread over all rounds, so that every round meets orders it has
 * to restore. After each strike something new has to be decided before the next.
 *
 * @param strike - given the round, from 0, and what resolves when the round's events are stored.
 */
export async function underLoad(
  world: World,
  rounds: number,
  strike: (round: number, published: Promise<void>) => Promise<void>,
  ordersPerRound = 30,
): Promise<void> {
  const messages = world.traffic(rounds * ordersPerRound, rounds * 2);
  const size = Math.ceil(messages.length / rounds);
  let outputs = 0;
  const count = async () => (await world.streamSize("DECISIONS")) + (await world.streamSize("DEAD_LETTERS"));
  for (let round = 0; round < rounds; round++) {
    const published = world.publish(messages.slice(round * size, (round + 1) * size));
    await strike(round, published);
    await published;
    const before = outputs;
    outputs = await until(
      `progress after strike ${round + 1}`,
      async () => {
        const now = await count().catch(() => 0);
        return now > before && now;
      },
      PATIENCE_MS,
    );
  }
}
