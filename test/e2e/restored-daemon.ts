import { existsSync } from "node:fs";
import { join } from "node:path";
import pino from "pino";
import { expect } from "vitest";
import { orderType } from "../../machines/order/order.ts";
import type { ActorType, TrafficMessage } from "../../src/actor/actor-type.ts";
import { rebuild } from "../../src/care/rebuild.ts";
import { verify } from "../../src/care/verify.ts";
import { readConfig } from "../../src/config/config.ts";
import { type Daemon, openDaemon } from "../../src/daemon/daemon.ts";
import { topologyOf } from "../../src/daemon/nats-setup.ts";
import { openSession, type Session } from "../../src/jetstream/session.ts";
import { ensureStreams } from "../../src/jetstream/topology.ts";
import { lanesOf } from "../../src/wire/lanes.ts";
import type { TestServer } from "../server.ts";
import { until } from "../until.ts";

const type = orderType as ActorType;

function options(server: TestServer, dataDir: string, acceptStreams: readonly string[]) {
  const env = {
    NATS_URL: server.url,
    NATSTATE_DATA: dataDir,
    NATSTATE_HTTP: "off",
    NATSTATE_PARTITIONS: "2",
    NATSTATE_SCRUB_INTERVAL: "off",
  };
  const onFatal = (error: Error) => expect.fail(error.message);
  return { config: readConfig(env), env, types: [type], logger: pino({ level: "silent" }), acceptStreams, onFatal };
}

export async function withDaemon(
  server: TestServer,
  dataDir: string,
  acceptStreams: readonly string[],
  work: (daemon: Daemon, session: Session) => Promise<void>,
): Promise<void> {
  const daemon = await openDaemon(options(server, dataDir, acceptStreams));
  const session = await openSession({ url: server.url, name: "test" }, () => {});
  try {
    await work(daemon, session);
  } finally {
    await daemon.stop();
    await session.close();
  }
}

/** @returns the streams that a start asks to accept, all at once. */
export async function refused(server: TestServer, dataDir: string): Promise<string[]> {
  if (!existsSync(dataDir)) return [];
  try {
    await (await openDaemon(options(server, dataDir, []))).stop();
    return [];
  } catch (error) {
    return [...(error as Error).message.matchAll(/--accept-stream (\w+)/g)].map(([, name = ""]) => name);
  }
}

export async function rebuildStore(server: TestServer, dataDir: string): Promise<void> {
  const log = await openSession({ url: server.url, name: "test" }, () => {});
  const topology = topologyOf(options(server, dataDir, []).config);
  await ensureStreams(log.jsm, [type], topology);
  const storeFile = join(dataDir, "natstate.db");
  const lanes = lanesOf(type, topology.partitions);
  const limits = { maxBytes: 65_536, acceptDifferences: true };
  await rebuild({ log, types: [type], lanes, storeFile, ...limits, onProgress: () => {} }).finally(log.close);
}

/** What `verify` says of the store, of every order and of some: what is restored is no difference. */
export async function expectVerified({ jsm, js }: Session, dataDir: string): Promise<void> {
  const storeFile = join(dataDir, "natstate.db");
  for (const selection of ["all", { sample: 100 }] as const) {
    const found = await verify({ log: { jsm, js }, storeFile, type, selection, maxBytes: 65_536, onProgress() {} });
    expect(found?.differences, `verify ${JSON.stringify(selection)}`).toEqual([]);
  }
}

export async function publish({ js }: Session, messages: readonly TrafficMessage[]): Promise<void> {
  for (const { subject, body } of messages) await js.publish(subject, body);
}

/** Everything stored is applied, and everything due is published. */
export async function settle(daemon: Daemon, { jsm }: Session): Promise<void> {
  await until("settled", async () => {
    const { ready, checks } = daemon.health();
    if (!ready || !checks.publisher.detail.startsWith("0 ")) return false;
    for (const partition of [0, 1]) {
      const { num_pending, num_ack_pending } = await jsm.consumers.info("ORDERS", `orders-${partition}`);
      if (num_pending + num_ack_pending > 0) return false;
    }
    return daemon.health().checks.publisher.detail.startsWith("0 ");
  });
}
