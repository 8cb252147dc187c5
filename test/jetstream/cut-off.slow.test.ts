import { expect, it } from "vitest";
import { watchCutOff } from "../../src/jetstream/cut-off.ts";
import { openSession } from "../../src/jetstream/session.ts";
import { startTestCluster } from "../cluster.ts";
import { until } from "../until.ts";

/** Generous: the machine may be shared by many. Who does not look finds out by no means of its own. */
const LEFT_MS = 10_000;
/** Several rounds. */
const STAYS_MS = 3000;

it("a server that is cut off is left, by itself; one that nobody can do more than is not", async () => {
  await using cluster = await startTestCluster({ disturbable: true });
  const told: string[] = [];
  const session = await openSession({ url: cluster.url, name: "test" }, (event) => told.push(event));
  await session.jsm.streams.add({ name: "MINE", subjects: ["mine"], num_replicas: 3 });
  await cluster.settle(session);
  const place = () => cluster.nodes.findIndex(({ url }) => url.endsWith(session.nc.getServer()));
  const from = place();
  const here = cluster.nodes[from] ?? cluster.nodes[0];
  await cluster.moveLeaderFrom(here, session, "MINE");
  const end = watchCutOff(session, ["MINE"]);
  cluster.routes.isolate(from);
  await until("it is connected elsewhere", () => told.includes("moved") && place() !== from, LEFT_MS);
  cluster.routes.heal();
  await cluster.settle(session);

  told.length = 0;
  const kept = place();
  for (const [index, node] of cluster.nodes.entries()) if (index !== kept) await node.kill9();
  const startedMs = performance.now();
  await until("it has looked several times", () => performance.now() - startedMs > STAYS_MS);
  expect(told).toEqual([]);
  end();
  await session.close();
});
