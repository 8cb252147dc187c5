import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { headers } from "@nats-io/transport-node";
import type { TrafficMessage } from "../../src/actor/actor-type.ts";
import { openSession, type Session } from "../../src/jetstream/session.ts";
import { startTestCluster, type TestCluster } from "../cluster.ts";
import { until } from "../until.ts";
import { type DaemonProcess, startDaemonProcess } from "./daemon-process.ts";
import { getJson } from "./world.ts";

/** An election takes seconds, and the machine may be shared by many. */
export const PATIENCE_MS = 90_000;

/** Daemons on a cluster of three, and a client of it. */
export interface ClusterWorld extends AsyncDisposable {
  readonly cluster: TestCluster;
  readonly session: Session;
  /** A daemon with the data directory of this name, empty when the name is new. */
  start(name: string, env?: Record<string, string>): Promise<DaemonProcess>;
  /** What any process of ours needs to know of it. */
  env(name: string): { NATS_URL: string; NATSTATE_DATA: string; NATSTATE_REPLICAS: string };
  /** Each until it is acknowledged, whatever happens meanwhile. */
  publish(messages: readonly Pick<TrafficMessage, "subject" | "body" | "headers">[]): Promise<void>;
  streamSize(stream: string): Promise<number>;
  /** Resolves when everything stored is applied and everything decided is published. */
  settle(...daemons: DaemonProcess[]): Promise<void>;
}

/** `await using world = await openClusterWorld()`. */
export async function openClusterWorld(): Promise<ClusterWorld> {
  const cluster = await startTestCluster();
  const session = await openSession({ url: cluster.url, name: "test" }, () => {});
  const scratch = mkdtempSync(join(tmpdir(), "natstate-cluster-e2e-"));
  const running = new Set<DaemonProcess>();

  async function publishOne({
    subject,
    body,
    headers: given = {},
  }: Pick<TrafficMessage, "subject" | "body" | "headers">) {
    const header = headers();
    for (const [name, value] of Object.entries(given)) header.set(name, value);
    const send = () => session.js.publish(subject, body, { headers: header, timeout: 2000 });
    await until("a message is stored", () => send().catch(() => false), PATIENCE_MS);
  }

  async function isSettled(daemons: readonly DaemonProcess[]): Promise<boolean> {
    for await (const { name, num_pending, num_ack_pending } of session.jsm.consumers.list("ORDERS")) {
      if (/^orders-\d+$/.test(name) && num_pending + num_ack_pending > 0) return false;
    }
    const health = await Promise.all(daemons.map((daemon) => getJson(daemon, "/readyz")));
    return health.every(({ ready, checks }) => ready && checks.publisher.detail.startsWith("0 "));
  }

  const env = (name: string) => ({
    NATS_URL: cluster.url,
    NATSTATE_DATA: join(scratch, name),
    NATSTATE_REPLICAS: "3",
  });

  return {
    cluster,
    session,
    env,
    async start(name, more = {}) {
      const daemon = await startDaemonProcess({ ...env(name), ...more }, [], PATIENCE_MS);
      running.add(daemon);
      void daemon.exited.then(() => running.delete(daemon));
      return daemon;
    },
    async publish(messages) {
      const queue = messages.values();
      const publisher = async () => {
        for (const message of queue) await publishOne(message);
      };
      await Promise.all(Array.from({ length: 50 }, publisher));
    },
    streamSize: async (stream) => (await session.jsm.streams.info(stream)).state.messages,
    async settle(...daemons) {
      await cluster.settle(session);
      const settled = () => isSettled(daemons).catch(() => false);
      // A lane that begins anew may look, for a moment, like one that is done.
      const twice = async () => {
        if (!(await settled())) return false;
        await new Promise((resolve) => setTimeout(resolve, 500));
        return settled();
      };
      await until("settled", twice, PATIENCE_MS).catch((error: Error) => {
        throw new Error([error.message, ...daemons.map((daemon) => daemon.output().slice(-3000))].join("\n"));
      });
    },
    async [Symbol.asyncDispose]() {
      for (const daemon of running) await daemon.kill9();
      await session.close();
      await cluster.stop();
      rmSync(scratch, { recursive: true, force: true });
    },
  };
}
