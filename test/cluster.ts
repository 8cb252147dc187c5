import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { appendFile, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect } from "@nats-io/transport-node";
import type { Session } from "../src/jetstream/session.ts";
import { findServerBinary } from "../src/nats-server/binary.ts";
import { writeServerConfig } from "../src/nats-server/config.ts";
import { freePort } from "../src/nats-server/ready.ts";
import { openRoutes, type Routes } from "./cluster-routes.ts";
import { until } from "./until.ts";

/** One of the real nats-servers of a cluster, with its own ports on loopback and its own store. */
export interface ClusterNode {
  /** As the server calls it when it names a leader. */
  readonly name: string;
  readonly url: string;
  /** Starts it again on the same ports and store; does not wait for anything, see {@link isHealthy}. */
  start(): void;
  /** Kills it (SIGKILL), frozen or not, and resolves when the process is gone; the store stays. */
  kill9(): Promise<void>;
  /** Ends it (SIGTERM), as a restart does. */
  stop(): Promise<void>;
  /** Removes its store, as a new disk would; only when it does not run. */
  wipe(): Promise<void>;
  /** SIGSTOP freezes it, SIGCONT thaws it. */
  signal(signal: NodeJS.Signals): void;
  /** Gives it a fifteenth of the time only, by freezing and thawing it, until the returned function is called. */
  slowDown(): () => void;
  /** What its monitoring says: `/jsz`, `/connz`. Rejects while it does not answer. */
  monitor(path: string): Promise<unknown>;
  /** Does it say that it has caught up with everything it has to hold? */
  isHealthy(): Promise<boolean>;
}

/** Whom a cluster is asked through. */
type Asker = Pick<Session, "nc" | "jsm">;

/** Three real nats-servers that replicate to one another, for streams with three replicas. */
export interface TestCluster extends AsyncDisposable {
  /** All nodes, comma-separated, as in `NATS_URL`. */
  readonly url: string;
  readonly nodes: readonly [ClusterNode, ClusterNode, ClusterNode];
  /** What the nodes hear of each other; throws unless they were started so that it can be disturbed. */
  readonly routes: Routes;
  leaderOf(asker: Asker, stream: string): Promise<ClusterNode>;
  /** Who leads the cluster's own metadata: streams and consumers are made, and placed, through it. */
  metaLeader(): Promise<ClusterNode>;
  /** Has the stream led by another node than this one. */
  moveLeaderFrom(node: ClusterNode, asker: Asker, stream: string): Promise<void>;
  /** Tells whoever leads the cluster's own metadata to step down. */
  stepMetaDown(): Promise<void>;
  /** Resolves when all nodes are healthy and every replica of every stream is where its leader is. */
  settle(asker: Asker): Promise<void>;
  /** Ends all nodes and removes their stores. */
  stop(): Promise<void>;
}

/** An election takes 4 to 6 s, and the machine may be shared by many. */
const PATIENCE_MS = 60_000;

/** The cluster's metadata is the system account's; whoever says no name is in the other one. */
const ACCOUNTS = `accounts {
  APP { jetstream: enabled, users: [{ user: app, password: app }] }
  SYS { users: [{ user: system, password: system }] }
}
system_account: SYS
no_auth_user: app
`;

/**
 * Starts three nats-servers and resolves when their JetStream answers. `await using cluster = await startTestCluster()`.
 *
 * @param options.disturbable - their routes go through proxies in this process, and none beside them.
 */
export async function startTestCluster({ disturbable = false } = {}): Promise<TestCluster> {
  const { path } = await findServerBinary({ env: process.env });
  const dir = await mkdtemp(join(tmpdir(), "natstate-cluster-"));
  const ports = await Promise.all(Array.from({ length: 9 }, () => freePort()));
  const routePorts = ports.slice(3, 6);
  const routes = disturbable ? await openRoutes(routePorts) : undefined;
  const direct = routePorts.map((port) => `nats://127.0.0.1:${port}`);
  const node = async (index: 0 | 1 | 2): Promise<ClusterNode> => {
    const [port = 0, routePort = 0, monitorPort = 0] = [ports[index], ports[index + 3], ports[index + 6]];
    const name = `n${index + 1}`;
    const storeDir = join(dir, name);
    const config = join(dir, `${name}.conf`);
    await writeServerConfig(config, { storeDir, port, name });
    const others = JSON.stringify(routes?.from(index) ?? direct);
    // What they tell each other of themselves leads nowhere: one of the four routes to each other that they keep would go
    // beside the proxies, be left when they are cut, and have leaders stay where no client reaches them.
    const unheard = disturbable ? `no_advertise: true, advertise: "127.0.0.1:1", ` : "";
    const cluster = `cluster { name: test, listen: "127.0.0.1:${routePort}", ${unheard}routes: ${others} }\n`;
    await appendFile(config, `http: "127.0.0.1:${monitorPort}"\n${cluster}${ACCOUNTS}`);
    return openNode({ binary: path, config, name, port, monitorPort, storeDir });
  };
  const nodes = [await node(0), await node(1), await node(2)] as const;

  async function stop(): Promise<void> {
    for (const each of nodes) await each.kill9();
    await routes?.[Symbol.asyncDispose]();
    await rm(dir, { recursive: true, force: true });
  }

  const isHealthy = async () => (await Promise.all(nodes.map((each) => each.isHealthy()))).every(Boolean);
  const leaderOf = async ({ jsm }: Asker, stream: string): Promise<ClusterNode> => {
    const find = async () => {
      const { cluster } = await jsm.streams.info(stream);
      return nodes.find(({ name }) => name === cluster?.leader);
    };
    return until(`${stream} has a leader`, () => find().catch(() => undefined), PATIENCE_MS);
  };

  const metaLeader = async (): Promise<ClusterNode> => {
    const find = async () => {
      const told = (await Promise.any(nodes.map((each) => each.monitor("/jsz")))) as Jsz;
      return nodes.find(({ name }) => name === told.meta_cluster?.leader);
    };
    return until("the cluster has a leader", () => find().catch(() => undefined), PATIENCE_MS);
  };

  for (const each of nodes) each.start();
  try {
    await until("the cluster is up", async () => (await isHealthy()) && knowsAll(await metaLeader()), PATIENCE_MS);
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    url: nodes.map(({ url }) => url).join(),
    nodes,
    get routes() {
      if (routes === undefined) throw new Error("the routes of this cluster go from node to node");
      return routes;
    },
    leaderOf,
    metaLeader,
    async moveLeaderFrom(from, asker, stream) {
      await until(
        `${stream} is led by another node`,
        async () => {
          if ((await leaderOf(asker, stream)) !== from) return true;
          await asker.nc.request(`$JS.API.STREAM.LEADER.STEPDOWN.${stream}`).catch(() => {});
          return false;
        },
        PATIENCE_MS,
      );
    },
    stepMetaDown: () => stepMetaDown(nodes.map(({ url }) => url)),
    async settle({ jsm }) {
      await until("all replicas are current", async () => (await isHealthy()) && areCurrent(jsm), PATIENCE_MS);
    },
    stop,
    [Symbol.asyncDispose]: stop,
  };
}

async function stepMetaDown(servers: string[]): Promise<void> {
  const system = await connect({ servers, user: "system", pass: "system" });
  await system.request("$JS.API.META.LEADER.STEPDOWN").finally(() => system.close());
}

/** Until its leader has heard of the others lately, they are offline to it, and no stream is placed there. */
async function knowsAll(leader: ClusterNode): Promise<boolean> {
  const { meta_cluster: { replicas = [] } = {} } = (await leader.monitor("/jsz")) as Jsz;
  return replicas.length === 2 && replicas.every(({ current, offline }) => current && offline !== true);
}

interface Jsz {
  readonly meta_cluster?: {
    readonly leader?: string;
    readonly replicas?: readonly { readonly current: boolean; readonly offline?: boolean }[];
  };
}

interface NodeFiles {
  readonly binary: string;
  readonly config: string;
  readonly name: string;
  readonly port: number;
  readonly monitorPort: number;
  readonly storeDir: string;
}

function openNode({ binary, config, name, port, monitorPort, storeDir }: NodeFiles): ClusterNode {
  let child: ChildProcess | undefined;

  async function end(signal: NodeJS.Signals): Promise<void> {
    const running = child;
    child = undefined;
    if (running === undefined || running.exitCode !== null || running.signalCode !== null) return;
    const exited = once(running, "exit");
    running.kill(signal);
    await exited;
  }

  return {
    name,
    url: `nats://127.0.0.1:${port}`,
    start() {
      child = spawn(binary, ["-c", config], { stdio: "ignore" });
    },
    kill9: () => end("SIGKILL"),
    stop: () => end("SIGTERM"),
    wipe: () => rm(storeDir, { recursive: true, force: true }),
    signal: (signal) => void child?.kill(signal),
    slowDown() {
      let timer: NodeJS.Timeout;
      const freeze = () => {
        child?.kill("SIGSTOP");
        timer = setTimeout(thaw, 280);
      };
      const thaw = () => {
        child?.kill("SIGCONT");
        timer = setTimeout(freeze, 20);
      };
      freeze();
      return () => {
        clearTimeout(timer);
        child?.kill("SIGCONT");
      };
    },
    async monitor(path) {
      const response = await fetch(`http://127.0.0.1:${monitorPort}${path}`, { signal: AbortSignal.timeout(2000) });
      return response.json();
    },
    async isHealthy() {
      const url = `http://127.0.0.1:${monitorPort}/healthz`;
      return fetch(url, { signal: AbortSignal.timeout(2000) }).then(
        ({ ok }) => ok,
        () => false,
      );
    },
  };
}

async function areCurrent(jsm: Session["jsm"]): Promise<boolean> {
  try {
    for await (const { config, cluster } of jsm.streams.list()) {
      const replicas = cluster?.replicas ?? [];
      if (!cluster?.leader || replicas.length !== config.num_replicas - 1) return false;
      if (replicas.some(({ current, lag = 0 }) => !current || lag > 0)) return false;
    }
    return true;
  } catch {
    return false;
  }
}
