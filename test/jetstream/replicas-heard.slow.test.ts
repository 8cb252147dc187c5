import type { StreamInfo } from "@nats-io/jetstream";
import { connect } from "@nats-io/transport-node";
import { expect, it } from "vitest";
import { examineReplicas } from "../../src/care/examine-replicas.ts";
import { openSession } from "../../src/jetstream/session.ts";
import { majoritySilentMs } from "../../src/jetstream/stream-pulse.ts";
import { startTestCluster } from "../cluster.ts";
import { until } from "../until.ts";

/* What a leader says of a server that it has never heard of is nats-server's alone to know. */

const PATIENCE_MS = 60_000;

it("the server that led is away to the leader after it, and is none of a majority when a second one goes", async () => {
  await using cluster = await startTestCluster();
  const session = await openSession({ url: cluster.url, name: "test" }, () => {});
  await session.jsm.streams.add({ name: "MINE", subjects: ["mine"], num_replicas: 3 });
  await cluster.settle(session);
  const first = await cluster.leaderOf(session, "MINE");
  await first.kill9();
  // Without a leader of the cluster nobody is asked at all.
  const meta = await until(
    "another leads the cluster",
    async () => {
      const found = await cluster.metaLeader();
      return found !== first && found;
    },
    PATIENCE_MS,
  );
  // Straight from the one that will be left: ours may be connected to one that goes.
  const near = await connect({ servers: meta.url });
  const ask = async () => {
    const info = (await near.request("$JS.API.STREAM.INFO.MINE", "", { timeout: 2000 })).json<Partial<StreamInfo>>();
    return info.cluster?.leader ? (info as StreamInfo) : undefined;
  };
  const answer = () => until("an answer", () => ask().catch(() => undefined), PATIENCE_MS);
  const second = cluster.nodes.find((node) => node !== first && node !== meta) ?? first;
  await cluster.moveLeaderFrom(second, session, "MINE");
  const led = await answer();
  expect(led.cluster?.leader).toBe(meta.name);
  expect(examineReplicas([led]).detail).toContain(`${first.name} is away: `);
  const goneMs = performance.now();
  await second.kill9();
  // The one that is left answers on, mostly for 2 to 15 s.
  const askedMs = performance.now();
  const left = await answer();
  expect(left.cluster?.leader).toBe(meta.name);
  expect(majoritySilentMs(left)).toBeGreaterThanOrEqual(askedMs - goneMs);
  expect(examineReplicas([left]).detail).toContain(`${first.name} is away: `);
  await near.close();
  await session.close();
});
