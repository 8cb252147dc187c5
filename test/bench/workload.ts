import { execFile } from "node:child_process";
import { cp, mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { type JetStreamClient, jetstream, jetstreamManager } from "@nats-io/jetstream";
import { orderType } from "../../machines/order/order.ts";
import { orderTraffic } from "../../machines/order/traffic.ts";
import type { TrafficMessage } from "../../src/actor/actor-type.ts";
import { readConfig } from "../../src/config/config.ts";
import { connectNats } from "../../src/jetstream/connect.ts";
import { ensureStreams } from "../../src/jetstream/topology.ts";
import { startEmbeddedServer } from "../../src/nats-server/embedded.ts";

/** What every contender of one run is given. */
export interface WorkloadOptions {
  readonly orders: number;
  readonly seed: number;
  /** How many orders' events are mixed with each other; all of them when absent. */
  readonly shuffle?: number;
  readonly idPrefix?: string;
}

/** Every order has one event of each type and leads to one decision. */
export const EVENTS_PER_ORDER = 5;

const LOAD_AT_ONCE = 2000;

/** Plain orders: {@link EVENTS_PER_ORDER} events each, complete, none twice, one decision. The same options give the same messages. */
export function plainOrders({ orders, seed, shuffle = orders, idPrefix = "" }: WorkloadOptions): TrafficMessage[] {
  return orderTraffic({ actors: orders, seed, shuffle, idPrefix, duplicates: 0, late: 0, fail: 0, malformed: 0 });
}

/**
 * Stores a workload in a stream of natstate's own topology and leaves it on disk, to be copied for each contender.
 *
 * Loaded by a server that does not fsync every message (5 times as fast); the contenders' servers do, as nats.conf says.
 *
 * @param dir - a new directory; afterwards the data directory of a server that has stopped.
 */
export async function storeWorkload(binary: string, dir: string, options: WorkloadOptions): Promise<void> {
  await mkdir(dir, { recursive: true });
  const configPath = join(dir, "loading.conf");
  const own = await readFile(join(import.meta.dirname, "../../nats.conf"), "utf8");
  await writeFile(configPath, own.replace("sync_interval: always", 'sync_interval: "2m"'));
  const server = await startEmbeddedServer({ binary, dataDir: dir, configPath });
  try {
    const nc = await connectNats({ url: server.url, name: "bench-load" });
    const jsm = await jetstreamManager(nc);
    await ensureStreams(jsm, [orderType], topology());
    await publishAll(jetstream(nc), plainOrders(options));
    await nc.close();
  } finally {
    await server.stop();
  }
}

/** Copies a stored workload and waits until the disk has it, so that nobody's run pays for another's writes. */
export async function copyWorkload(from: string, to: string): Promise<void> {
  await cp(from, to, { recursive: true });
  if (process.platform !== "win32") await promisify(execFile)("sync");
}

function topology() {
  const config = readConfig({});
  return {
    partitions: config.NATSTATE_PARTITIONS,
    replicas: config.NATSTATE_REPLICAS,
    maxAgeMs: config.NATSTATE_MAX_AGE,
    maxMessageBytes: config.NATSTATE_MAX_MESSAGE_BYTES,
    denyPurge: config.NATSTATE_DENY_PURGE,
    manage: true,
  };
}

async function publishAll(js: JetStreamClient, messages: readonly TrafficMessage[]): Promise<void> {
  for (let from = 0; from < messages.length; from += LOAD_AT_ONCE) {
    const some = messages.slice(from, from + LOAD_AT_ONCE);
    await Promise.all(some.map(({ subject, body }) => js.publish(subject, body)));
  }
}
