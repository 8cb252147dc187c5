import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { jetstream, jetstreamManager } from "@nats-io/jetstream";
import type { NatsConnection } from "@nats-io/transport-node";
import { orderType } from "../../machines/order/order.ts";
import { readConfig } from "../../src/config/config.ts";
import { connectNats } from "../../src/jetstream/connect.ts";
import { askMembers } from "../../src/members/ask-members.ts";
import type { Member } from "../../src/members/member.ts";
import { startEmbeddedServer } from "../../src/nats-server/embedded.ts";
import { eventStream } from "../../src/wire/names.ts";
import { until } from "../until.ts";
import { startBenchChild } from "./child-process.ts";
import { CONTENDERS } from "./contender.ts";
import { type Costs, type CpuClocks, costs, othersPercent, readCpuClocks } from "./cpu.ts";
import { EVENTS_PER_ORDER, pauseConsumers, plainOrders, publishAll, resumeConsumers, whenDecided } from "./workload.ts";

/** Some daemons that share the partitions of one nats-server, measured once. */
export interface DaemonsRun extends Costs {
  readonly daemons: number;
  readonly events: number;
  /** While the events were published and no daemon read: what storing them takes of nats-server. */
  readonly stored: Pick<Costs, "eventsPerSecond" | "serverCpuUsPerEvent">;
  readonly othersPercent: number;
  /** Peak of each, the largest first. */
  readonly maxRssMib: readonly number[];
}

export interface DaemonsOptions {
  readonly daemons: number;
  readonly orders: number;
  readonly seed: number;
  readonly binary: string;
  /** A new directory for this run. */
  readonly dir: string;
}

/** Decided by each daemon before it is measured: its code is compiled by then. */
const WARM_ORDERS = 1000;
const SHARED_WITHIN_MS = 120_000;
const PAUSE_MS = 3_600_000;
const EVENTS = eventStream(orderType);
/** They warn of paused consumers. */
const QUIET = { NATSTATE_LOG_LEVEL: "error" };
const PARTITIONS = readConfig({}).NATSTATE_PARTITIONS;

/**
 * Starts the daemons, has them share the partitions, and stores the workload while their consumers are paused, so that all
 * begin at once and with the same to do.
 *
 * @throws when one dies, they stall for 60 s or publish another number of decisions than there are orders.
 */
export async function runDaemons({ daemons, orders, seed, binary, dir }: DaemonsOptions): Promise<DaemonsRun> {
  const server = await startEmbeddedServer({ binary, dataDir: join(dir, "nats") });
  const nc = await connectNats({ url: server.url, name: "bench" });
  const jsm = await jetstreamManager(nc);
  const { file } = CONTENDERS.b;
  const names = Array.from({ length: daemons }, (_, index) => `daemon-${index + 1}`);
  await Promise.all(names.map((name) => mkdir(join(dir, name))));
  const children = names.map((name) =>
    startBenchChild({ name, file, natsUrl: server.url, dataDir: join(dir, name), env: QUIET }),
  );
  const unlessDead = <Value>(work: Promise<Value>) => Promise.race(children.map((child) => child.unlessDead(work)));
  const readClocks = () => readCpuClocks({ children: children.map(({ pid }) => pid), server: server.pid });
  const publish = (count: number, idPrefix: string) =>
    unlessDead(publishAll(jetstream(nc), plainOrders({ orders: count, seed, idPrefix })));
  try {
    await unlessDead(until("they share the partitions", () => areShared(nc, daemons), SHARED_WITHIN_MS));
    const warmOrders = WARM_ORDERS * daemons;
    await publish(warmOrders, "warm-");
    await unlessDead(whenDecided(jsm, warmOrders));

    await pauseConsumers(jsm, EVENTS, PAUSE_MS);
    const idle = readClocks();
    await publish(orders, "");
    const stored = readClocks();
    await resumeConsumers(jsm, EVENTS);
    const start = readClocks();
    await unlessDead(whenDecided(jsm, warmOrders + orders));
    const end = readClocks();
    const maxRssMib = await Promise.all(children.map((child) => child.maxRssMib()));
    return {
      daemons,
      ...figures(orders * EVENTS_PER_ORDER, { idle, stored, start, end }),
      maxRssMib: maxRssMib.sort((a, b) => b - a),
    };
  } finally {
    await Promise.all(children.map((child) => child.end()));
    await nc.close();
    await server.stop();
  }
}

function figures(events: number, { idle, stored, start, end }: Record<"idle" | "stored" | "start" | "end", CpuClocks>) {
  const { eventsPerSecond, serverCpuUsPerEvent } = costs(idle, stored, events);
  return {
    events,
    ...costs(start, end, events),
    stored: { eventsPerSecond, serverCpuUsPerEvent },
    othersPercent: othersPercent(idle, end),
  };
}

/** Is every partition read by one of them, and none has more than its share? */
async function areShared(nc: NatsConnection, daemons: number): Promise<boolean> {
  // Rejects as long as nobody is there.
  const members = await askMembers(nc, undefined, 300).catch(() => new Map<string, Member>());
  const held = [...members.values()].map(({ streams }) => streams.flatMap(({ holds }) => holds));
  const share = Math.ceil(PARTITIONS / daemons);
  return (
    held.length === daemons &&
    held.every(({ length }) => length > 0 && length <= share) &&
    new Set(held.flat()).size === PARTITIONS
  );
}
