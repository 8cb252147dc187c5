import { expect, it } from "vitest";
import { CRASH_POINTS } from "../../src/flow/crash-points.ts";
import { FAULTS } from "./all.ts";
import { crashAt } from "./crashes.ts";
import { type ClusterFault, type Fault, runFault } from "./fault.ts";
import { halfOpen } from "./network.ts";

/*
 * A selection of `npm run faults`, small enough for every run of the slow tests.
 */

const SHORT: readonly (Fault | ClusterFault)[] = [
  ...CRASH_POINTS.map((moment) => crashAt(moment, [moment === "received" ? 40 : 2])),
  halfOpen("half-open", "nothing gets through for 5 s", [["both", 5000]]),
  ...FAULTS.filter(({ name }) => name === "poisoned-rows"),
];

// Two at a time: a start of a daemon is mostly waiting.
const seats: Promise<unknown>[] = [Promise.resolve(), Promise.resolve()];

it.concurrent.each(SHORT)(
  "$name: nothing lost, nothing doubled",
  async (fault) => {
    const seat = SHORT.indexOf(fault) % seats.length;
    const run = (seats[seat] ?? Promise.resolve()).then(() => runFault({ ...fault, rebuild: false }, 1));
    seats[seat] = run.catch(() => {});
    expect((await run).violations).toEqual([]);
  },
  300_000,
);
