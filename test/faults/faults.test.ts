import { readFileSync } from "node:fs";
import { join } from "node:path";
import Database from "better-sqlite3";
import { expect, it } from "vitest";
import { FAULTS } from "./all.ts";
import { crashAt } from "./crashes.ts";
import { runFault } from "./fault.ts";
import { MUTANTS } from "./mutant-list.ts";
import { openWorld } from "./world.ts";

/*
 * One of `npm run faults`, and what the whole of it rests on: the checker. More of them: faults.slow.test.ts.
 */

it("killed after a decision was published and before that was noted: nothing lost, nothing doubled", async () => {
  expect((await runFault({ ...crashAt("published", [2]), rebuild: false }, 1)).violations).toEqual([]);
});

it.each(MUTANTS)("the mutant is still one: $name", ({ file, find, fault }) => {
  const source = readFileSync(join(import.meta.dirname, "../..", file), "utf8");
  expect(source.split(find)).toHaveLength(2);
  expect(FAULTS.map(({ name }) => name)).toContain(fault);
});

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
  // Of its own store, from which an event is then taken.
  const other = await world.start({ dataDir: `${world.dataDir}/other` });
  await world.settle(other);
  const db = new Database(`${world.dataDir}/other/natstate.db`);
  db.prepare("DELETE FROM events WHERE rowid = 1").run();
  db.close();
  const { lost, doubled, wrong } = await world.checker.check(other.httpUrl);
  expect(doubled.join()).toMatch(/revision 1 is there twice/);
  expect(wrong.join()).toMatch(/was not bad/);
  expect(lost.join()).toMatch(/had no effect/);
}, 180_000);
