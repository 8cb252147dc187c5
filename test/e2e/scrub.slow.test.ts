import Database from "better-sqlite3";
import { expect, it } from "vitest";
import { until } from "../until.ts";
import type { DaemonProcess } from "./daemon-process.ts";
import { openWorld, traffic } from "./world.ts";

async function counter(daemon: DaemonProcess, name: string): Promise<number> {
  const text = await (await fetch(`${daemon.httpUrl}/metrics`)).text();
  return Number(new RegExp(`^${name}\\{actor="order"\\} (\\d+)$`, "m").exec(text)?.[1]);
}

it("the running daemon holds orders against the stream and tells of one that was changed by hand", async () => {
  await using world = await openWorld();
  const daemon = await world.start({ NATSTATE_SCRUB_INTERVAL: "5ms" });
  await world.publish(traffic(200, 71));
  await world.settle(daemon);
  await until("orders are looked at", async () => (await counter(daemon, "natstate_scrub_actors_total")) > 5);
  expect(await counter(daemon, "natstate_scrub_drift_total")).toBe(0);
  expect(daemon.output()).not.toContain("drift");
  // Their own events arrived in other orders, too.
  expect(await counter(daemon, "natstate_scrub_diverged_total")).toBe(0);
  expect(daemon.output()).not.toContain("not scrubbed");

  const db = new Database(world.storeFile);
  db.exec("UPDATE actors SET completeness = completeness + 1");
  db.close();
  await until("drift is seen", async () => (await counter(daemon, "natstate_scrub_drift_total")) > 0);
  await until("it is told", () => daemon.output().includes("drift: the store"));
  expect(daemon.output()).toMatch(
    /"what":\["completeness"\].*raise version.*drift: the store is not what the stream gives/,
  );
  expect(await daemon.stop()).toBe(0);
}, 120_000);

it("it can be switched off", async () => {
  await using world = await openWorld();
  const daemon = await world.start({ NATSTATE_SCRUB_INTERVAL: "off" });
  await world.publish(traffic(5, 72, { malformed: 0 }));
  await world.settle(daemon);
  expect(await counter(daemon, "natstate_scrub_actors_total")).toBe(0);
});
