import { type ServerChanges, startTestServer, type TestServer } from "../server.ts";
import { openProxy, type TcpProxy } from "./proxy.ts";
import { openStage, type Stage } from "./stage.ts";

/** A stage on one real nats-server, its daemons behind a proxy. */
export interface World extends Stage {
  readonly server: TestServer;
  /** The daemons' way to the server. */
  readonly proxy: TcpProxy;
}

export interface WorldOptions {
  readonly server?: ServerChanges;
  /** A directory to be used as `dataDir`; it is the caller's. */
  readonly dataDir?: string;
}

const PATIENCE_MS = 60_000;

export async function openWorld(seed: number, { server: changes, dataDir }: WorldOptions = {}): Promise<World> {
  await using opened = new AsyncDisposableStack();
  const server = opened.use(await startTestServer(changes));
  const proxy = opened.use(await openProxy(server.port));
  const daemonEnv = { NATS_URL: proxy.url };
  const stage = opened.use(await openStage(seed, { url: server.url, daemonEnv, patienceMs: PATIENCE_MS, dataDir }));
  const stack = opened.move();
  return { ...stage, server, proxy, [Symbol.asyncDispose]: () => stack.disposeAsync() };
}
