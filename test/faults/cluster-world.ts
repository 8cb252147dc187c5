import { startTestCluster, type TestCluster } from "../cluster.ts";
import { openStage, type Stage } from "./stage.ts";

/** A stage on three real nats-servers, with three replicas of every stream. */
export interface ClusterWorld extends Stage {
  readonly cluster: TestCluster;
}

export interface ClusterWorldOptions {
  /** Can what the nodes hear of each other be disturbed? */
  readonly disturbable?: boolean;
}

/** An election takes 4 to 10 s, and the machine may be shared by many. */
export const PATIENCE_MS = 90_000;

/** `await using world = await openClusterWorld()`. */
export async function openClusterWorld(seed = 1, options: ClusterWorldOptions = {}): Promise<ClusterWorld> {
  await using opened = new AsyncDisposableStack();
  const cluster = opened.use(await startTestCluster(options));
  const { url } = cluster;
  const daemonEnv = { NATS_URL: url, NATSTATE_REPLICAS: "3" };
  const stage = opened.use(await openStage(seed, { url, daemonEnv, patienceMs: PATIENCE_MS }));
  const stack = opened.move();
  return {
    ...stage,
    cluster,
    async settle(daemon, timeoutMs) {
      await cluster.settle(stage.session);
      await stage.settle(daemon, timeoutMs);
    },
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}
