import Database from "better-sqlite3";
import { expect, it } from "vitest";
import { until } from "../until.ts";
import { getJson, openWorld, traffic } from "./world.ts";

it("while another program holds the store, questions are answered, as of the past, it is said once, and nothing is lost", async () => {
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
  const id = String((await getJson(daemon, "/api/orders")).orders[0].orderId);
  const past = { catchingUp: true, asOf: expect.stringMatching(/^20\d\d-/) };
  expect(await getJson(daemon, `/api/orders/${id}`)).toMatchObject({ orderId: id, ...past });
  expect(await getJson(daemon, "/api/stats")).toMatchObject({ catchingUp: true, catchingUpPartitions: { length: 16 } });
  holder.exec("ROLLBACK");
  holder.close();
  await world.settle(daemon);
  const isNow = async () => (await getJson(daemon, "/api/stats")).catchingUp === undefined;
  await until("the answers are of now", isNow);
  expect(await getJson(daemon, `/api/orders/${id}`)).not.toHaveProperty("catchingUp");

  // Nobody knows what a server holds that cannot be asked.
  await world.server.kill9();
  await until("they are of the past", async () => !(await isNow()));
  await world.server.restart();
  await until("they are of now again", isNow);
  await world.check(daemon, all);
  expect(await daemon.stop()).toBe(0);
}, 120_000);
