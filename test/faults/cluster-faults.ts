import type { ClusterNode } from "../cluster.ts";
import { until } from "../until.ts";
import type { ClusterWorld } from "./cluster-world.ts";
import type { ClusterFault } from "./fault.ts";
import { underLoad } from "./load.ts";
import { pause } from "./processes.ts";
import { measureRecovery } from "./recovery.ts";
import { bothRead, readsAll, startOther } from "./sharing.ts";
import { PARTITIONS } from "./stage.ts";

const STREAMS = ["ORDERS", "DECISIONS", "DEAD_LETTERS"] as const;
const FROZEN_MS = 20_000;
const NO_QUORUM_MS = 60_000;
const ISOLATED_MS = 20_000;
const SLOW_MS = 4000;

/** Three nats-servers with three replicas of every stream, two daemons, and trouble with the servers. */
export const clusterFaults: readonly ClusterFault[] = [
  fault("cluster-kill-9", "kill -9 of each of three nats-servers in turn", 3, async (world, round) => {
    const node = nodeOf(world, round);
    await measureRecovery(world, `${node.name} killed`, node.kill9);
    node.start();
  }),
  fault(
    "cluster-leaders",
    "kill -9 of the server that leads ORDERS, DECISIONS, the cluster",
    3,
    async (world, round) => {
      const { cluster, session } = world;
      const stream = (["ORDERS", "DECISIONS"] as const)[round];
      const leader = stream === undefined ? await cluster.metaLeader() : await cluster.leaderOf(session, stream);
      await measureRecovery(world, `${leader.name}, leader of ${stream ?? "the cluster"}, killed`, leader.kill9);
      leader.start();
    },
  ),
  fault(
    "cluster-step-down",
    "every stream's and consumer's leader told to step down, again and again",
    4,
    async (world) => {
      await measureRecovery(world, "all leaders stepped down", () => stepAllDown(world));
    },
  ),
  fault(
    "cluster-meta-step-down",
    "the leader of the cluster itself told to step down, again and again",
    3,
    async (world) => {
      const leader = await world.cluster.metaLeader();
      await measureRecovery(world, `${leader.name}, leader of the cluster, stepped down`, world.cluster.stepMetaDown);
    },
  ),
  fault("cluster-frozen", "the server that leads ORDERS, then DECISIONS, frozen for 20 s", 2, async (world, round) => {
    const leader = await world.cluster.leaderOf(world.session, STREAMS[round] ?? "ORDERS");
    leader.signal("SIGSTOP");
    const thawAtMs = Date.now() + FROZEN_MS;
    await measureRecovery(world, `${leader.name} frozen`, async () => {});
    await pause(Math.max(0, thawAtMs - Date.now()));
    leader.signal("SIGCONT");
  }),
  fault("cluster-wiped", "a server killed, its store wiped, and brought back, twice", 2, async (world, round) => {
    const node = nodeOf(world, round);
    await measureRecovery(world, `${node.name} killed`, node.kill9);
    await node.wipe();
    node.start();
  }),
  fault(
    "cluster-rolling",
    "each server restarted in turn (SIGTERM), the next when it says that it is healthy",
    3,
    async (world, round) => {
      const node = nodeOf(world, round);
      await measureRecovery(world, `${node.name} stopped`, node.stop);
      node.start();
    },
  ),
  fault("cluster-no-quorum", "two of three servers down for a minute", 1, async (world, round) => {
    const others = [nodeOf(world, round), nodeOf(world, round + 1)];
    for (const node of others) await node.kill9();
    await pause(NO_QUORUM_MS);
    await measureRecovery(world, "two servers are back", async () => {
      for (const node of others) node.start();
    });
  }),
  fault(
    "cluster-partition",
    "the server a daemon is connected to, cut off from the others for 20 s",
    2,
    async (world) => {
      const { cluster, session } = world;
      const index = await placeOfDaemon(world);
      const node = nodeOf(world, index);
      await keepAwayFrom(world, node);
      const healed = pause(ISOLATED_MS).then(cluster.routes.heal);
      const measured = measureRecovery(world, `${node.name} cut off`, async () => cluster.routes.isolate(index));
      await Promise.all([measured, isAlone(node), healed]);
      await cluster.settle(session);
    },
  ),
  fault("cluster-slow", "every byte between the servers takes 5 to 200 ms each way", 4, async (world, round) => {
    world.cluster.routes.delay([5, 50, 200, 100][round] ?? 5);
    await pause(SLOW_MS);
    world.cluster.routes.heal();
  }),
];

/** Two daemons share the partitions; between two strikes every replica catches up. */
function fault(
  name: string,
  about: string,
  rounds: number,
  strike: (world: ClusterWorld, round: number) => Promise<void>,
): ClusterFault {
  return {
    name,
    about,
    leastStrikes: rounds,
    cluster: { disturbable: name === "cluster-partition" || name === "cluster-slow" },
    async strike(world) {
      await world.start();
      const other = await startOther(world);
      await bothRead(world.daemon(), other);
      await underLoad(world, rounds, async (round) => {
        await pause(world.random.whole(20, 300));
        await strike(world, round);
        world.struck();
        await world.cluster.settle(world.session);
      });
      await other.stop();
      await readsAll(world.daemon());
    },
  };
}

function nodeOf({ cluster }: ClusterWorld, round: number): ClusterNode {
  return cluster.nodes[round % 3] ?? cluster.nodes[0];
}

/** But the cluster's own, which its system account moves. */
async function stepAllDown({ session }: ClusterWorld): Promise<void> {
  const consumers = Array.from(
    { length: PARTITIONS },
    (_, partition) => `CONSUMER.LEADER.STEPDOWN.ORDERS.orders-${partition}`,
  );
  const streams = STREAMS.map((stream) => `STREAM.LEADER.STEPDOWN.${stream}`);
  await Promise.allSettled([...streams, ...consumers].map((api) => session.nc.request(`$JS.API.${api}`)));
}

/** The server that a daemon's own connection goes to. */
async function placeOfDaemon({ cluster }: ClusterWorld): Promise<number> {
  for (const [index, node] of cluster.nodes.entries()) {
    const { connections } = (await node.monitor("/connz?limit=1000")) as { connections: { name?: string }[] };
    if (connections.some(({ name }) => name === "natstate")) return index;
  }
  throw new Error("no daemon is connected");
}

/** A cluster of which some routes are left is not cut off: its leaders stay, and clients do not reach them. */
async function isAlone(node: ClusterNode): Promise<void> {
  await until(`${node.name} has no route`, async () => {
    const { num_routes } = (await node.monitor("/routez")) as { num_routes: number };
    return num_routes === 0;
  });
}

/** Our own client is not to be cut off, too. */
async function keepAwayFrom({ session }: ClusterWorld, node: ClusterNode): Promise<void> {
  const isThere = () => node.url.endsWith(session.nc.getServer());
  await until("we are connected elsewhere", async () => {
    if (!isThere()) return true;
    await session.nc.reconnect();
    await pause(1000);
    return false;
  });
}
