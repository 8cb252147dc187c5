import { headers } from "@nats-io/transport-node";
import { orderTraffic } from "../../machines/order/traffic.ts";
import { partitionOf } from "../../src/wire/names.ts";
import { until } from "../until.ts";
import { type ClusterWorld, PATIENCE_MS } from "./cluster-world.ts";
import { pause } from "./processes.ts";
import { PARTITIONS } from "./stage.ts";
import type { Published } from "./world-publishers.ts";

/** What was asked once too early gets no answer. */
const ANSWER_MS = 400;
const EVERY_MS = 100;
/** `err_code` of a message that expects another end of its subject; a leader that can store says it. */
const WRONG_LAST_SEQUENCE = 10071;

/** How long after a blow, in ms. */
export interface Recovery {
  /** The cluster's own: a message is stored in every partition, what is published is taken, every consumer has a leader. */
  readonly clusterMs: number;
  /** Ours: in every partition something is decided that was published after the blow. */
  readonly oursMs: number;
}

/** Strikes, and measures from then on; notes what it measured. */
export async function measureRecovery(world: ClusterWorld, what: string, blow: () => Promise<void>): Promise<Recovery> {
  const probes = probeOrders(world.random.whole(1, 1_000_000_000));
  await blow();
  const startMs = performance.now();
  const since = () => performance.now() - startMs;
  const serves = Promise.all([
    ...probes.map(({ messages }) => store(world, messages)),
    ...probes.map((_, partition) => answers(world, `CONSUMER.INFO.ORDERS.orders-${partition}`, hasLeader)),
    takes(world, "decisions.orders.probe"),
    takes(world, "deadletters.orders.probe"),
  ]).then(since);
  const decides = Promise.all(
    probes.map(({ id }) =>
      answers(world, "STREAM.MSG.GET.DECISIONS", (answer) => "message" in answer, {
        last_by_subj: `decisions.orders.${id}`,
      }),
    ),
  ).then(since);
  const [clusterMs, oursMs] = await Promise.all([serves, decides]);
  const seconds = (ms: number) => (ms / 1000).toFixed(1);
  world.note(
    `${what}: the cluster serves after ${seconds(clusterMs)} s, every partition decides after ${seconds(oursMs)} s`,
  );
  return { clusterMs, oursMs };
}

interface Probe {
  readonly id: string;
  readonly messages: readonly Published[];
}

/** An order of every partition, by partition. */
function probeOrders(seed: number): readonly Probe[] {
  const plain = { duplicates: 0, late: 0, fail: 0, shuffle: 0, malformed: 0 };
  const messages = orderTraffic({ actors: 20 * PARTITIONS, seed, idPrefix: `p${seed}-`, ...plain });
  const orders = Map.groupBy(messages, ({ subject }) => subject.split(".")[1] ?? "");
  return Array.from({ length: PARTITIONS }, (_, partition) => {
    const found = [...orders].find(([id]) => partitionOf(id, PARTITIONS) === partition);
    if (found === undefined) throw new Error(`no probe is of partition ${partition}`);
    return { id: found[0], messages: found[1] };
  });
}

async function store({ session }: ClusterWorld, messages: readonly Published[]): Promise<void> {
  for (const { subject, body, headers: given = {} } of messages) {
    const header = headers();
    for (const [name, value] of Object.entries(given)) header.set(name, value);
    const isStored = () =>
      session.js.publish(subject, body, { headers: header, timeout: ANSWER_MS }).then(
        () => true,
        () => pause(EVERY_MS),
      );
    await until("a probe is stored", async () => (await isStored()) ?? false, PATIENCE_MS);
  }
}

async function answers(
  { session }: ClusterWorld,
  api: string,
  isGood: (answer: object) => boolean,
  request: object = {},
): Promise<void> {
  const ask = async () => {
    const message = await session.nc.request(`$JS.API.${api}`, JSON.stringify(request), { timeout: ANSWER_MS });
    if (isGood(message.json<object>())) return true;
    throw new Error("not yet");
  };
  await until(`${api} is answered`, async () => (await ask().catch(() => pause(EVERY_MS))) ?? false, PATIENCE_MS);
}

function hasLeader(answer: object): boolean {
  return "cluster" in answer && Boolean((answer.cluster as { leader?: string }).leader);
}

/** Nothing is stored: it expects an end that is not there. */
async function takes({ session }: ClusterWorld, subject: string): Promise<void> {
  const header = headers();
  header.set("Nats-Expected-Last-Subject-Sequence", "999999999");
  const ask = async () => {
    const message = await session.nc.request(subject, "", { headers: header, timeout: ANSWER_MS });
    const { error } = message.json<{ error?: { err_code?: number } }>();
    if (error?.err_code === WRONG_LAST_SEQUENCE) return true;
    throw new Error("not yet");
  };
  await until(`${subject} is taken`, async () => (await ask().catch(() => pause(EVERY_MS))) ?? false, PATIENCE_MS);
}
