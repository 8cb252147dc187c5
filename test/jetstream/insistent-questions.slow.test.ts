import type { StreamInfo } from "@nats-io/jetstream";
import { expect, it } from "vitest";
import { openSession } from "../../src/jetstream/session.ts";
import { startTestCluster } from "../cluster.ts";
import { until } from "../until.ts";

const PATIENCE_MS = 60_000;

it("a node that was cut off says of a stream what it has itself, and is not believed", async () => {
  await using cluster = await startTestCluster({ disturbable: true });
  const [first, second, third] = cluster.nodes;
  const open = (url: string) => openSession({ url, name: "test" }, () => {});
  const session = await open(`${first.url},${second.url}`);
  await session.jsm.streams.add({ name: "T", subjects: ["t"], num_replicas: 3 });
  // Once, however often it is tried.
  const publish = (msgID: string) =>
    until("it is stored", () => session.js.publish("t", "", { msgID }).catch(() => false), PATIENCE_MS);
  await publish("first");
  await cluster.settle(session);
  await cluster.moveLeaderFrom(third, session, "T");
  const alone = await open(third.url);
  cluster.routes.isolate(2);
  await publish("second");
  const asked = async () => {
    const answer = await alone.nc.request("$JS.API.STREAM.INFO.T").catch(() => undefined);
    const info = answer?.json<StreamInfo>();
    return info?.cluster?.leader ? undefined : info?.state?.last_seq;
  };
  expect(await until("it answers without a leader", asked, PATIENCE_MS)).toBe(1);
  await expect(alone.jsm.streams.info("T")).rejects.toThrow("timeout");
  cluster.routes.heal();
  await cluster.settle(session);
  expect((await alone.jsm.streams.info("T")).state.last_seq).toBe(2);
  await alone.close();
  await session.close();
});
