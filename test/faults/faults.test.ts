import { expect, it } from "vitest";
import { crashes } from "./crashes.ts";
import { damage } from "./damage.ts";
import { type Fault, runFault } from "./fault.ts";
import { network } from "./network.ts";
import { streams } from "./streams.ts";
import { openWorld } from "./world.ts";

/*
 * A selection of `npm run faults`, small enough for every test run: each with what it costs most, the rest with the
 * checks all faults share.
 */

const all = [...crashes, ...network, ...streams, ...damage];

function named(name: string): Fault {
  const fault = all.find((known) => known.name === name);
  if (fault === undefined) throw new Error(`no fault ${name}`);
  return fault;
}

const SHORT = [
  "crash-received",
  "crash-applied",
  "crash-in-transaction",
  "crash-committed",
  "crash-acked",
  "crash-published",
  "crash-noted",
  "consumer-deleted",
  "half-open",
  "poisoned-rows",
];

// Two at a time: a start of a daemon is mostly waiting.
const seats = [Promise.resolve<unknown>(undefined), Promise.resolve<unknown>(undefined)];

it.concurrent.each(SHORT)(
  "%s: nothing lost, nothing doubled",
  async (name) => {
    const seat = SHORT.indexOf(name) % seats.length;
    const run = (seats[seat] ?? Promise.resolve()).then(() => runFault({ ...named(name), rebuild: false }, 1));
    seats[seat] = run.catch(() => {});
    const { violations } = await run;
    expect(violations).toEqual([]);
  },
  300_000,
);

it("the checker sees what is lost, doubled or wrong", async () => {
  await using world = await openWorld(2);
  const daemon = await world.start();
  await world.publish(world.traffic(20));
  await world.settle();
  const clean = await world.checker.check(daemon.httpUrl);
  expect([clean.lost, clean.doubled, clean.wrong]).toEqual([[], [], []]);
  await daemon.stop();
  const { js } = world.session;
  const decision = await world.session.jsm.streams.getMessage("DECISIONS", { seq: 1 });
  await js.publish(decision?.subject ?? "", decision?.data);
  await js.publish("deadletters.orders.invalid_event", "not bad at all");
  await world.publish(world.traffic(1));
  const other = await world.start({ env: { NATSTATE_PARTITIONS: "16" }, dataDir: `${world.dataDir}/other` });
  const { lost, doubled, wrong } = await world.checker.check(`${other.httpUrl}`);
  expect(doubled.join()).toMatch(/revision 1 is there twice/);
  expect(wrong.join()).toMatch(/was not bad/);
  expect(lost.length + wrong.length).toBeGreaterThan(0);
}, 60_000);
