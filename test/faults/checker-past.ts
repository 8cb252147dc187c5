import { DeliverPolicy, type JetStreamClient, type JetStreamManager } from "@nats-io/jetstream";
import { judge } from "../wire/contract.ts";
import { hear, type ModelOrder, newOrder } from "./checker-orders.ts";
import type { Bad, OutputStream, Placed } from "./checker-outputs.ts";
import { pause } from "./processes.ts";

/** What the streams have held so far, also what is gone from them since. */
export interface Past {
  readonly orders: ReadonlyMap<string, ModelOrder>;
  readonly bad: readonly Bad[];
  /** Messages of ORDERS. */
  events(): number;
  /** See `Checker`. */
  read(): Promise<void>;
  /** See `Checker`. */
  readDecisions(): Promise<void>;
  /** See `Checker`. */
  passOver(stream: OutputStream, sequence: number): void;
  /** What DECISIONS holds, and has held when it was read, in order. */
  allDecisions(): Promise<Placed[]>;
  /** What is ours in a stream, in order; `subjects` because other actor types publish to the same streams. */
  outputs(stream: OutputStream, subjects: string): Promise<Placed[]>;
  /** The streams are empty, and begin anew. */
  forget(): void;
}

const DECISIONS = "decisions.orders.";

export function createPast(js: JetStreamClient, jsm: JetStreamManager): Past {
  const orders = new Map<string, ModelOrder>();
  const bad: Bad[] = [];
  const strangers: Record<OutputStream, Set<number>> = { DECISIONS: new Set(), DEAD_LETTERS: new Set() };
  /** By sequence, also those that are gone. */
  const heard = new Map<number, Placed>();
  let created = "";
  let lastRead = 0;
  let events = 0;

  async function outputs(stream: OutputStream, subjects: string): Promise<Placed[]> {
    const found = await messagesOf(js, jsm, stream, 1);
    return found.filter(({ subject, sequence }) => subject.startsWith(subjects) && !strangers[stream].has(sequence));
  }

  return {
    orders,
    bad,
    events: () => events,
    async read() {
      const info = await jsm.streams.info("ORDERS");
      if (info.created !== created) lastRead = 0;
      created = info.created;
      // Put back from a copy: what it holds was read before.
      lastRead = Math.min(lastRead, info.state.last_seq);
      for (const message of await messagesOf(js, jsm, "ORDERS", lastRead + 1)) {
        lastRead = message.sequence;
        events++;
        const verdict = judge(message);
        if (typeof verdict === "string") {
          bad.push({ reason: verdict, body: Buffer.from(message.body), where: String(message.sequence) });
          continue;
        }
        const order = orders.get(verdict.actorId) ?? newOrder();
        orders.set(verdict.actorId, order);
        hear(order, verdict, message.sequence, message.storedAtMs);
      }
    },
    async readDecisions() {
      for (const message of await outputs("DECISIONS", DECISIONS)) heard.set(message.sequence, message);
    },
    passOver: (stream, sequence) => void strangers[stream].add(sequence),
    async allDecisions() {
      const own = new Map(heard);
      for (const message of await outputs("DECISIONS", DECISIONS)) own.set(message.sequence, message);
      return [...own.values()].sort((a, b) => a.sequence - b.sequence);
    },
    outputs,
    forget() {
      orders.clear();
      bad.length = 0;
      heard.clear();
      events = 0;
      lastRead = 0;
    },
  };
}

/** A replica that is catching up leaves out what it does not have yet. */
const READINGS = 20;
const READ_AGAIN_MS = 500;

/** Everything a stream holds from a sequence to its end. Throws when no reading gives all that its leader says it has. */
async function messagesOf(js: JetStreamClient, jsm: JetStreamManager, stream: string, from: number): Promise<Placed[]> {
  for (let reading = 1; ; reading++) {
    const { state } = await jsm.streams.info(stream);
    if (state.messages === 0 || from > state.last_seq) return [];
    const found = await readOnce(js, stream, from);
    const expected = state.last_seq - Math.max(from, state.first_seq) + 1;
    const within = found.filter(({ sequence }) => sequence <= state.last_seq).length;
    if (state.num_deleted || within >= expected) return found;
    if (reading === READINGS) throw new Error(`${stream} gives ${within} of ${expected} messages from ${from} on`);
    await pause(READ_AGAIN_MS);
  }
}

async function readOnce(js: JetStreamClient, stream: string, from: number): Promise<Placed[]> {
  const consumer = await js.consumers.get(stream, { deliver_policy: DeliverPolicy.StartSequence, opt_start_seq: from });
  const found: Placed[] = [];
  const messages = await consumer.consume({ max_messages: 250 });
  for await (const { info, subject, headers, data } of messages) {
    found.push({
      sequence: info.streamSequence,
      subject,
      header: (name) => (headers?.has(name) ? headers.get(name) : undefined),
      headerLines: [...(headers ?? [])].reduce((sum, [, values]) => sum + values.length, 0),
      body: data,
      storedAtMs: Math.floor(info.timestampNanos / 1_000_000),
    });
    if (info.pending === 0) break;
  }
  await messages.close();
  await consumer.delete();
  return found;
}
