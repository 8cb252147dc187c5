import Database from "better-sqlite3";
import { expect, it } from "vitest";
import { until } from "../until.ts";
import { getJson, openWorld, traffic } from "./world.ts";

it("while another program holds the store, questions are answered, it is said once, and nothing is lost", async () => {
  await using world = await openWorld();
  const daemon = await world.start();
  const all = traffic(20, 81);
  const half = Math.ceil(all.length / 2);
  await world.publish(all.slice(0, half));
  await world.settle(daemon);

  const holder = new Database(world.storeFile);
  holder.exec("BEGIN IMMEDIATE");
  const sinceMs = performance.now();
  await world.publish(all.slice(half));
  let slowestMs = 0;
  const said = () =>
    daemon
      .output()
      .split("\n")
      .filter((line) => line.includes("another program holds"));
  await until("it is said, and tried several times", async () => {
    const askedMs = performance.now();
    await getJson(daemon, "/api/stats");
    slowestMs = Math.max(slowestMs, performance.now() - askedMs);
    return said().length > 0 && performance.now() - sinceMs > 2000;
  });
  // SQLite's own patience is 5 s.
  expect(slowestMs).toBeLessThan(2000);
  expect(said()).toHaveLength(1);
  expect((await getJson(daemon, "/readyz")).checks.store).toMatchObject({
    ok: false,
    detail: expect.stringContaining("another program holds"),
  });
  holder.exec("ROLLBACK");
  holder.close();
  await world.settle(daemon);
  await world.check(daemon, all);
  expect(await daemon.stop()).toBe(0);
}, 40_000);
