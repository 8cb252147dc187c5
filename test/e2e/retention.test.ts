import { expect, it } from "vitest";
import type { TrafficMessage } from "../../src/actor/actor-type.ts";
import { runCli } from "./cli-run.ts";
import { applyAll, checkAll, portraits, retireAll, stats } from "./retired-orders.ts";
import { openWorld, traffic } from "./world.ts";

it("settled orders are retired, tell so, and come back for a late event as they were, to the byte", async () => {
  await using world = await openWorld();
  const env = { NATS_URL: world.server.url, NATSTATE_DATA: world.dataDir };
  const messages = traffic(80, 91, { malformed: 4 });
  const ticked: TrafficMessage[] = [];
  await applyAll(world, messages);
  const before = portraits(world.storeFile);
  const settled = [...before.values()].filter(({ row }) => row.decision_type !== null);
  expect(settled.length).toBeGreaterThan(40);
  const published = await world.streamSize("DECISIONS");

  let daemon = await retireAll(world, ticked);
  const { retired, orders, standing } = await stats(daemon);
  expect(retired).toBe(settled.length);
  expect(orders.total).toBe(before.size - settled.length + ticked.length);
  expect(Object.values(standing.byType)).toEqual([0, 0]);
  const [first] = settled;
  const id = String(first?.row.id);
  const answer = await fetch(`${daemon.httpUrl}/api/orders/${id}`);
  const { events: version, revision } = first?.row ?? {};
  expect([answer.status, await answer.json()]).toMatchObject([
    410,
    { error: { code: "retired" }, retired: { orderId: id, status: "kept", version, revision, parked: 0 } },
  ]);
  for (const question of ["get", "history"]) {
    expect(await runCli([question, id], env)).toMatchObject({
      code: 3,
      stderr: expect.stringMatching(
        `order ${id} is retired since .*: ${version} events, .*revision ${revision}.*brings it back`,
      ),
    });
  }
  const verified = await runCli(["verify", "--all", "--json"], env);
  expect(JSON.parse(verified.stdout)).toMatchObject({ checked: orders.total, retired, differing: 0, differences: [] });
  expect(await runCli(["verify", "--order", id], env)).toMatchObject({
    code: 0,
    stdout: expect.stringContaining("is retired: there is nothing of it to compare"),
  });
  const metrics = await (await fetch(`${daemon.httpUrl}/metrics`)).text();
  expect(metrics).toContain(`natstate_retired_actors{actor="order"} ${retired}`);
  expect(metrics).toContain(`natstate_retirements_total{actor="order"} ${retired}`);
  await daemon.stop();

  daemon = await checkAll(world, [...messages, ...ticked]);
  expect(portraits(world.storeFile)).toEqual(before);
  expect(await world.streamSize("DECISIONS")).toBe(published);
  expect(await daemon.stop()).toBe(0);
}, 180_000);
