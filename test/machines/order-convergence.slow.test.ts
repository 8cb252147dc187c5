import { describe, expect, test } from "vitest";
import { COLD, endOf, HOT, OUTCOMES, permutations, run, storyOf, withCopies } from "./order-driver.ts";

/* What order-convergence.test.ts shows of some ways of passivation, of all. */

describe.each(OUTCOMES)("payment %s, reservation %j", (status, reservedItems) => {
  const events = storyOf(status, reservedItems);
  const expected = endOf(run(events));

  test("ends the same in all 120 arrival orders, hot and passivated in all 16 ways between events", () => {
    const ways = Array.from({ length: 16 }, (_, mask) => (position: number) => ((mask << 1) & (1 << position)) !== 0);
    const strays = permutations(events).flatMap((arrival) =>
      ways.filter((passivated) => endOf(run(arrival, passivated)) !== expected).map(() => arrival),
    );
    expect(strays).toEqual([]);
  });

  test.each(events)("ends the same in all 360 arrival orders with $type heard twice, hot and cold", (again) => {
    const arrivals = withCopies(events, again);
    expect(arrivals).toHaveLength(360);
    const strays = arrivals.filter(
      (arrival) => endOf(run(arrival, HOT)) !== expected || endOf(run(arrival, COLD)) !== expected,
    );
    expect(strays).toEqual([]);
  });
});
