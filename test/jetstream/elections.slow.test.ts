import { expect, it } from "vitest";
import { type Election, watchElections } from "../../src/jetstream/elections.ts";
import { openSession } from "../../src/jetstream/session.ts";
import { startTestCluster } from "../cluster.ts";
import { until } from "../until.ts";

const PATIENCE_MS = 60_000;

it("who leads a stream or its consumers from now on is told when they step down, of these streams only", async () => {
  await using cluster = await startTestCluster();
  const session = await openSession({ url: cluster.url, name: "test" }, () => {});
  const { nc, jsm } = session;
  for (const name of ["MINE", "OTHER"]) {
    await jsm.streams.add({ name, subjects: [name.toLowerCase()], num_replicas: 3 });
    await jsm.consumers.add(name, { durable_name: "one", ack_policy: "explicit" });
  }
  await cluster.settle(session);
  const told: Election[] = [];
  const end = watchElections(nc, ["MINE"], (election) => told.push(election));
  await nc.flush();
  for (const name of ["OTHER", "MINE"]) {
    await nc.request(`$JS.API.CONSUMER.LEADER.STEPDOWN.${name}.one`);
    await nc.request(`$JS.API.STREAM.LEADER.STEPDOWN.${name}`);
  }
  // One that is elected while we ask is told a moment later.
  await until(
    "both are told, and who they are",
    async () => {
      const stream = (await cluster.leaderOf(session, "MINE")).name;
      const consumer = (await jsm.consumers.info("MINE", "one").catch(() => undefined))?.cluster?.leader;
      const last = (of?: string) => told.findLast((election) => election.consumer === of)?.leader;
      return consumer !== undefined && last("one") === consumer && last() === stream;
    },
    PATIENCE_MS,
  );
  expect(told.filter(({ stream }) => stream !== "MINE")).toEqual([]);
  end();
  await session.close();
});
