import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { orderType } from "../../machines/order/order.ts";
import type { ActorType } from "../../src/actor/actor-type.ts";
import { replay } from "../../src/testing/replay.ts";
import { runCli } from "./cli-run.ts";
import { openWorld, traffic } from "./world.ts";

it("an order's own events are proved with, and its exported history comes to the same in a test", async () => {
  await using world = await openWorld();
  const daemon = await world.start();
  await world.publish(traffic(20, 73));
  await world.settle(daemon);
  const cli = (...args: readonly string[]) => runCli([...args, "--nats", world.server.url], {});
  const proved = await cli("prove", "--id", "order-1007", "--runs", "50", "--json");
  expect(JSON.parse(proved.stdout)).toMatchObject({
    converges: true,
    proofs: [{ type: "order", id: "order-1007", runs: 50, converges: true, divergence: null, trouble: null }],
  });
  expect((await cli("prove", "--id", "nobody")).code).toBe(3);

  const directory = mkdtempSync(join(tmpdir(), "natstate-proved-"));
  for (const id of ["order-123", "order-1007", "order-1011"]) {
    const file = join(directory, `${id}.json`);
    writeFileSync(file, (await cli("history", id, "--export")).stdout);
    replay(orderType as ActorType, file);
  }
  rmSync(directory, { recursive: true });
  expect(await daemon.stop()).toBe(0);
}, 120_000);
