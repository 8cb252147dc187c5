import { afterAll, beforeAll, expect, it } from "vitest";
import { type Running, startProgram } from "../e2e/cli-run.ts";
import { openWorld, type World } from "../e2e/world.ts";
import { until } from "../until.ts";

let world: World;

beforeAll(async () => {
  world = await openWorld();
});
afterAll(() => world[Symbol.asyncDispose]());

/** Runs an example of the docs as it stands there, with the client as it stands in this clone. */
function run(name: string): Running {
  const args = ["--conditions=natstate-source", `test/docs/examples/${name}.ts`];
  return startProgram(process.execPath, args, { NATS_URL: world.server.url });
}

it("what the docs publish is decided, and what they consume is that decision", async () => {
  const daemon = await world.start();
  const published = await run("publish").ran;
  expect(published).toEqual({ code: 0, stdout: "orders.my-2.InventoryReserved is stored as message 2\n", stderr: "" });
  await world.settle(daemon);
  const acting = run("act");
  expect(await run("consume").ran).toEqual({ code: 0, stdout: "my-2: ships from west in 5 days\n", stderr: "" });
  await until("it has acted", () => acting.stdout() !== "");
  acting.kill("SIGINT");
  expect(await acting.ran).toEqual({ code: 0, stdout: "my-2: pack in west\n", stderr: "" });
});
