import {
  DeliverPolicy,
  type JetStreamClient,
  type JetStreamManager,
  jetstream,
  jetstreamManager,
} from "@nats-io/jetstream";
import { connect } from "@nats-io/transport-node";
import { judge } from "../wire/contract.ts";
import { ask, checkCounts, checkHistory, checkOrder } from "./checker-answers.ts";
import { hear, type ModelOrder, newOrder } from "./checker-orders.ts";
import {
  type Bad,
  checkDeadLetters,
  checkDecisions,
  decisionsByOrder,
  type OutputStream,
  type Placed,
  type Report,
} from "./checker-outputs.ts";

/** What a check found. */
export interface Findings extends Report {
  /** Messages of ORDERS looked at, bad ones included. */
  readonly events: number;
  readonly orders: number;
  readonly decisions: number;
  readonly deadLetters: number;
  /** What the API says of each order looked at, to be compared with what a rebuilt store says. */
  readonly answers: ReadonlyMap<string, string>;
}

export interface CheckOptions {
  /**
   * False where the stream was recreated or messages of it were given up: then duplicates are not counted, revisions
   * need not be those of one undisturbed reading, and only the standing decisions have to agree.
   */
  readonly exact?: boolean;
  /** False where a consumer left messages out, so that they were heard after later ones. */
  readonly inOrder?: boolean;
  /** Of how many orders the API is asked; the streams are always read whole. */
  readonly sample?: number;
}

/** Reads the streams and the API, and compares them with a model of its own. */
export interface Checker {
  /**
   * Takes in what ORDERS holds and has not been read: before something is removed from it, and before anything is
   * published to one that was put back from a copy.
   */
  read(): Promise<void>;
  /** Takes in what DECISIONS holds, before something is removed from it: whoever consumes it has heard that. */
  readDecisions(): Promise<void>;
  /** A message of an output stream that a stranger put there: it stands between ours, and is none of them. */
  passOver(stream: OutputStream, sequence: number): void;
  /** Orders of which nobody can know which events were heard before they were purged; only their revisions are checked. */
  giveUp(orderIds: Iterable<string>): void;
  /** Rejects while the server does not answer it. */
  isConnected(): Promise<boolean>;
  /** The streams are empty, and begin anew. */
  forget(): void;
  check(httpUrl: string, options?: CheckOptions): Promise<Findings>;
  close(): Promise<void>;
}

export async function openChecker(natsUrl: string): Promise<Checker> {
  const nc = await connect({ servers: natsUrl, maxReconnectAttempts: -1, reconnectTimeWait: 200 });
  const js = jetstream(nc);
  const jsm = await jetstreamManager(nc, { checkAPI: false });
  const orders = new Map<string, ModelOrder>();
  const bad: Bad[] = [];
  const givenUp = new Set<string>();
  const strangers: Record<OutputStream, Set<number>> = { DECISIONS: new Set(), DEAD_LETTERS: new Set() };
  /** By sequence, also those that are gone. */
  const heard = new Map<number, Placed>();
  let created = "";
  let lastRead = 0;
  let events = 0;

  async function read(): Promise<void> {
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
  }

  /** What is ours there, in order; `subjects` because other actor types publish to the same streams. */
  async function outputs(stream: OutputStream, subjects: string): Promise<Placed[]> {
    const found = await messagesOf(js, jsm, stream, 1);
    return found.filter(({ subject, sequence }) => subject.startsWith(subjects) && !strangers[stream].has(sequence));
  }

  async function readDecisions(): Promise<void> {
    for (const message of await outputs("DECISIONS", "decisions.orders.")) heard.set(message.sequence, message);
  }

  return {
    read,
    readDecisions,
    passOver: (stream, sequence) => void strangers[stream].add(sequence),
    giveUp(orderIds) {
      for (const id of orderIds) givenUp.add(id);
    },
    isConnected: () => jsm.getAccountInfo().then(() => true),
    forget() {
      orders.clear();
      bad.length = 0;
      heard.clear();
      events = 0;
      lastRead = 0;
    },
    async check(httpUrl, { exact = true, inOrder = true, sample = Number.POSITIVE_INFINITY } = {}) {
      await read();
      const report: Report = { lost: [], doubled: [], wrong: [] };
      const own = new Map(heard);
      for (const message of await outputs("DECISIONS", "decisions.orders.")) own.set(message.sequence, message);
      const decisions = [...own.values()].sort((a, b) => a.sequence - b.sequence);
      const published = decisionsByOrder(decisions, report);
      checkDecisions(published, orders, givenUp, exact, report);
      const letters = await outputs("DEAD_LETTERS", "deadletters.orders.");
      checkDeadLetters(letters, bad, report);
      const ids = [...orders.keys()];
      const step = Math.max(1, Math.ceil(ids.length / sample));
      const answers = new Map<string, string>();
      await eachOf(
        ids.filter((_, index) => index % step === 0),
        async (id) => {
          const order = await ask(httpUrl, `/api/orders/${id}`);
          const history = await ask(httpUrl, `/api/orders/${id}/history`);
          answers.set(id, JSON.stringify({ order: whenever(order), history: whenever(history) }));
          const model = orders.get(id) ?? newOrder();
          checkOrder(id, order, model, published.get(id) ?? [], report);
          checkHistory(id, history, model, { exact, inOrder }, report);
        },
      );
      if (exact) await checkCounts(httpUrl, events, bad.length, orders.size, report);
      return {
        events,
        orders: orders.size,
        decisions: decisions.length,
        deadLetters: letters.length,
        ...report,
        answers,
      };
    },
    close: () => nc.close(),
  };
}

/** Eight at a time. */
async function eachOf<Item>(items: readonly Item[], work: (item: Item) => Promise<void>): Promise<void> {
  const queue = items.values();
  const worker = async () => {
    for (const item of queue) await work(item);
  };
  await Promise.all(Array.from({ length: 8 }, worker));
}

/** Everything a stream holds from a sequence to its end. */
async function messagesOf(js: JetStreamClient, jsm: JetStreamManager, stream: string, from: number): Promise<Placed[]> {
  const { state } = await jsm.streams.info(stream);
  if (state.messages === 0 || from > state.last_seq) return [];
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

/** Without whether its partition is still being read. */
function whenever<Answer extends object>(answer: Answer): object {
  const { catchingUp: _catchingUp, asOf: _asOf, ...rest } = answer as Record<string, unknown>;
  return rest;
}
