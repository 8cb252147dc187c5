import { execFile } from "node:child_process";
import { cp, mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { promisify } from "node:util";
import { type JetStreamClient, type JetStreamManager, jetstream, jetstreamManager } from "@nats-io/jetstream";
import { orderType } from "../../machines/order/order.ts";
import { orderTraffic } from "../../machines/order/traffic.ts";
import type { ActorType, TrafficMessage } from "../../src/actor/actor-type.ts";
import { readConfig } from "../../src/config/config.ts";
import { connectNats } from "../../src/jetstream/connect.ts";
import { ensureStreams } from "../../src/jetstream/topology.ts";
import { startEmbeddedServer } from "../../src/nats-server/embedded.ts";
import { DECISIONS_STREAM, eventStream } from "../../src/wire/names.ts";

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
const POLL_MS = 10;
/** Enough to tell every consumer of it. */
const RESUME_AFTER_MS = 500;
const STALLED_AFTER_MS = 60_000;

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
  const server = await startEmbeddedServer({ binary, dataDir: dir, configPath: await writeLoadingConfig(dir) });
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

/** The repo's nats.conf without an fsync for every message. @returns its path, in `dir`. */
export async function writeLoadingConfig(dir: string): Promise<string> {
  const path = join(dir, "loading.conf");
  const own = await readFile(join(import.meta.dirname, "../../nats.conf"), "utf8");
  await writeFile(path, own.replace("sync_interval: always", 'sync_interval: "2m"'));
  return path;
}

/** Makes the streams that events of a type need, on a server of their own. */
export async function layTopology(binary: string, dir: string, type: ActorType): Promise<void> {
  const server = await startEmbeddedServer({ binary, dataDir: dir, configPath: await writeLoadingConfig(dir) });
  const nc = await connectNats({ url: server.url, name: "bench-load" });
  await ensureStreams(await jetstreamManager(nc), [type], topology());
  await nc.close();
  await server.stop();
}

/** Copies a stored workload and waits until the disk has it, so that nobody's run pays for another's writes. */
export async function copyWorkload(from: string, to: string): Promise<void> {
  await cp(from, to, { recursive: true });
  if (process.platform !== "win32") await promisify(execFile)("sync");
}

/**
 * Resolves when so many decisions are stored and every event is acknowledged.
 *
 * @throws when there is no further decision for 60 s, or there are more.
 */
export async function whenDecided(jsm: JetStreamManager, decisions: number): Promise<void> {
  const stored = async () => (await jsm.streams.info(DECISIONS_STREAM)).state.messages;
  let seen = 0;
  let progressMs = performance.now();
  while (seen < decisions) {
    await delay(POLL_MS);
    const messages = await stored();
    if (messages > seen) progressMs = performance.now();
    if (performance.now() - progressMs > STALLED_AFTER_MS) {
      throw new Error(`stalled: ${messages} of ${decisions} decisions after 60 s without another`);
    }
    seen = messages;
  }
  await whenAcknowledged(jsm, eventStream(orderType));
  const messages = await stored();
  if (messages !== decisions) throw new Error(`${messages} decisions for ${decisions} orders`);
}

/** Resolves when nothing of a stream is left to read. */
export async function whenAcknowledged(jsm: JetStreamManager, stream: string): Promise<void> {
  while ((await unacknowledged(jsm, stream)) > 0) await delay(POLL_MS);
}

async function unacknowledged(jsm: JetStreamManager, stream: string): Promise<number> {
  let count = 0;
  for await (const info of jsm.consumers.list(stream)) count += info.num_pending + info.num_ack_pending;
  return count;
}

/**
 * Nobody is given a message of a stream for so long. Then all who wait for one are told at that moment: of a pause that is
 * taken back nats-server tells nobody, and they would hear of it when they ask again, seconds later.
 */
export async function pauseConsumers(jsm: JetStreamManager, stream: string, forMs: number): Promise<void> {
  const until = new Date(Date.now() + forMs);
  const names: string[] = [];
  for await (const { name } of jsm.consumers.list(stream)) names.push(name);
  await Promise.all(names.map((name) => jsm.consumers.pause(stream, name, until)));
}

/** Paused consumers go on. Resolves at that moment, with when it was. */
export async function resumeConsumers(jsm: JetStreamManager, stream: string): Promise<number> {
  const resumedMs = Date.now() + RESUME_AFTER_MS;
  await pauseConsumers(jsm, stream, RESUME_AFTER_MS);
  await delay(resumedMs - Date.now());
  return resumedMs;
}

/** When nats-server last heard an acknowledgement of a stream, or stored a decision: that is sooner than anybody who asks. */
export async function lastHeardMs(jsm: JetStreamManager, stream: string): Promise<number> {
  let latestMs = Date.parse((await jsm.streams.info(DECISIONS_STREAM)).state.last_ts);
  for await (const { ack_floor } of jsm.consumers.list(stream)) {
    // A text, whatever the client's type says; none where nothing was acknowledged.
    const lastActive = ack_floor.last_active as unknown as string | undefined;
    if (lastActive !== undefined) latestMs = Math.max(latestMs, Date.parse(lastActive));
  }
  return latestMs;
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

export async function publishAll(js: JetStreamClient, messages: readonly TrafficMessage[]): Promise<void> {
  for (let from = 0; from < messages.length; from += LOAD_AT_ONCE) {
    const some = messages.slice(from, from + LOAD_AT_ONCE);
    await Promise.all(some.map(({ subject, body }) => js.publish(subject, body, { timeout: STALLED_AFTER_MS })));
  }
}
