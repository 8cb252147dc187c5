import { isDeepStrictEqual } from "node:util";
import { DeliverPolicy, type JetStreamClient, type JetStreamManager, jetstream, jetstreamManager } from "@nats-io/jetstream";
import { connect } from "@nats-io/transport-node";
import { type Json, judge, type Stored } from "./checker-contract.ts";
import { contentOf, hear, type ModelOrder, newOrder, shown, standingContent } from "./checker-model.ts";

/** What a check found. Nothing is wrong when the last three are empty. */
export interface Findings {
  /** Messages of ORDERS looked at, bad ones included. */
  readonly events: number;
  readonly orders: number;
  readonly decisions: number;
  readonly deadLetters: number;
  /** Events, revisions or dead letters that are missing. */
  readonly lost: string[];
  /** Those that are there more than once, or that nothing led to. */
  readonly doubled: string[];
  readonly wrong: string[];
  /** What the API says of each order looked at, to be compared with what a rebuilt store says. */
  readonly answers: ReadonlyMap<string, string>;
}

export interface CheckOptions {
  /**
   * False where the stream was recreated or messages of it were given up: then duplicates are not counted, revisions
   * need not be those of one undisturbed reading, and only the standing decisions have to agree.
   */
  readonly exact?: boolean;
  /** Of how many orders the API is asked; the streams are always read whole. */
  readonly sample?: number;
}

/** Reads the streams and the API, and compares them with a model of its own. */
export interface Checker {
  /** Takes in what ORDERS holds and has not been read; before something is removed from it. */
  read(): Promise<void>;
  check(httpUrl: string, options?: CheckOptions): Promise<Findings>;
  close(): Promise<void>;
}

interface Bad {
  readonly reason: string;
  readonly body: Buffer;
  readonly where: string;
}

export async function openChecker(natsUrl: string): Promise<Checker> {
  const nc = await connect({ servers: natsUrl, maxReconnectAttempts: -1, reconnectTimeWait: 200 });
  const js = jetstream(nc);
  const jsm = await jetstreamManager(nc, { checkAPI: false });
  const orders = new Map<string, ModelOrder>();
  const bad: Bad[] = [];
  let created = "";
  let lastRead = 0;
  let events = 0;

  async function read(): Promise<void> {
    const info = await jsm.streams.info("ORDERS");
    if (info.created !== created) lastRead = 0;
    created = info.created;
    for (const message of await messagesOf(js, jsm, "ORDERS", lastRead + 1)) {
      lastRead = message.sequence;
      events++;
      const verdict = judge(message);
      if (typeof verdict === "string") {
        bad.push({ reason: verdict, body: Buffer.from(message.body), where: String(message.sequence) });
        continue;
      }
      const order = orders.get(verdict.orderId) ?? newOrder();
      orders.set(verdict.orderId, order);
      hear(order, verdict, message.sequence);
    }
  }

  return {
    read,
    async check(httpUrl, { exact = true, sample = Number.POSITIVE_INFINITY } = {}) {
      await read();
      const report: Report = { lost: [], doubled: [], wrong: [] };
      const decisions = await checkDecisions(await messagesOf(js, jsm, "DECISIONS", 1), orders, exact, report);
      const letters = await messagesOf(js, jsm, "DEAD_LETTERS", 1);
      checkDeadLetters(letters, bad, report);
      const ids = [...orders.keys()];
      const step = Math.max(1, Math.ceil(ids.length / sample));
      const answers = new Map<string, string>();
      await eachOf(ids.filter((_, index) => index % step === 0), async (id) => {
        const order = await ask(httpUrl, `/api/orders/${id}`);
        const history = await ask(httpUrl, `/api/orders/${id}/history`);
        answers.set(id, JSON.stringify({ order, history }));
        const model = orders.get(id) ?? newOrder();
        checkOrder(id, order, model, exact, report);
        checkHistory(id, history, model, exact, report);
      });
      if (exact) await checkCounts(httpUrl, events, bad.length, orders.size, report);
      return { events, orders: orders.size, decisions, deadLetters: letters.length, ...report, answers };
    },
    close: () => nc.close(),
  };
}

type Report = Pick<Findings, "lost" | "doubled" | "wrong">;

/** Per order: revisions 1 to n, each content another than the one before, the last one the model's. */
async function checkDecisions(
  messages: readonly Stored[],
  orders: ReadonlyMap<string, ModelOrder>,
  exact: boolean,
  report: Report,
): Promise<number> {
  const published = new Map<string, Json[]>();
  for (const message of messages) {
    const decision = JSON.parse(Buffer.from(message.body).toString()) as Json;
    const id = message.subject.slice("decisions.orders.".length);
    const all = published.get(id) ?? [];
    published.set(id, all);
    all.push(decision);
    if (decision.orderId !== id) report.wrong.push(`decision on ${message.subject} is about ${decision.orderId}`);
    if (message.header("Nats-Msg-Id") !== `orders:${id}:${decision.revision}`) report.wrong.push(`${id}: wrong Nats-Msg-Id`);
    if (message.header("Natstate-Revision") !== String(decision.revision)) report.wrong.push(`${id}: wrong revision header`);
  }
  for (const id of new Set([...orders.keys(), ...published.keys()])) {
    const model = orders.get(id) ?? newOrder();
    const found = published.get(id) ?? [];
    const seen = new Set<unknown>();
    for (const [index, { revision }] of found.entries()) {
      if (seen.has(revision)) report.doubled.push(`${id}: revision ${revision} is there twice`);
      else if (revision !== index + 1) report.lost.push(`${id}: revision ${index + 1} is missing, ${revision} found`);
      seen.add(revision);
      const before = found[index - 1];
      if (before !== undefined && isDeepStrictEqual(contentOf(before), contentOf(found[index] as Json))) {
        report.doubled.push(`${id}: revision ${revision} says what the one before says`);
      }
    }
    if (exact) compareDecisions(id, found, model, report);
    const standing = standingContent({ ...model, decisions: found });
    if (!isDeepStrictEqual(standing, standingContent(model))) {
      report.wrong.push(`${id}: ${JSON.stringify(standing)} stands, expected ${JSON.stringify(standingContent(model))}`);
    }
  }
  return messages.length;
}

function compareDecisions(id: string, found: readonly Json[], { decisions }: ModelOrder, report: Report): void {
  for (const expected of decisions.slice(found.length)) report.lost.push(`${id}: revision ${expected.revision} is missing`);
  for (const extra of found.slice(decisions.length)) report.doubled.push(`${id}: nothing led to revision ${extra.revision}`);
  for (const [index, expected] of decisions.entries()) {
    const actual = found[index];
    if (actual !== undefined && !isDeepStrictEqual(actual, expected)) {
      report.wrong.push(`${id}: decision ${JSON.stringify(actual)}, expected ${JSON.stringify(expected)}`);
    }
  }
}

/** Exactly the bad messages, by sequence, once each, with their bytes. */
function checkDeadLetters(messages: readonly Stored[], bad: readonly Bad[], report: Report): void {
  const keyOf = (where: string, reason: string, body: Buffer) => `${where} ${reason} ${body.toString("base64")}`;
  const open = new Map<string, number>();
  for (const { where, reason, body } of bad) open.set(keyOf(where, reason, body), 1);
  for (const message of messages) {
    const where = message.header("Natstate-Sequence") ?? "";
    const reason = message.header("Natstate-Reason") ?? "";
    const left = open.get(keyOf(where, reason, Buffer.from(message.body)));
    if (left === undefined) report.wrong.push(`dead letter of ${where} (${reason}: ${message.header("Natstate-Error")}) was not bad, or not so`);
    else if (left === 0) report.doubled.push(`dead letter of ${where} (${reason}) is there twice`);
    else open.set(keyOf(where, reason, Buffer.from(message.body)), 0);
  }
  for (const [key, left] of open) if (left > 0) report.lost.push(`dead letter of ${key.slice(0, 60)} is missing`);
}

function checkOrder(id: string, order: Json, model: ModelOrder, exact: boolean, report: Report): void {
  for (const [name, expected] of Object.entries(shown(model))) {
    if (isDeepStrictEqual(order[name], expected)) continue;
    report.wrong.push(`${id}: ${name} is ${JSON.stringify(order[name])}, expected ${JSON.stringify(expected)}`);
  }
  const decision = order.decision as Json | null | undefined;
  const expected = standingContent(model);
  const standing = decision === null || decision === undefined ? null : contentOf(decision);
  if (!isDeepStrictEqual(standing, expected)) {
    report.wrong.push(`${id}: the API says ${JSON.stringify(standing)} stands, expected ${JSON.stringify(expected)}`);
  }
  if (exact && expected !== null && !isDeepStrictEqual(decision, model.decisions.at(-1))) {
    report.wrong.push(`${id}: the standing decision's envelope differs from the published one`);
  }
}

/** Each accepted event has had exactly one effect. */
function checkHistory(id: string, history: Json, model: ModelOrder, exact: boolean, report: Report): void {
  const rows = (history.events ?? []) as Json[];
  const seen = new Set<unknown>();
  for (const row of rows) {
    const expected = model.events.get(String(row.eventId));
    if (expected === undefined) report.wrong.push(`${id}: nobody published ${row.eventId}`);
    else if (seen.has(row.eventId)) report.doubled.push(`${id}: ${row.eventId} is in its history twice`);
    else if (exact && Number(row.duplicates) > expected.duplicates) report.doubled.push(`${id}: ${row.eventId} was counted ${row.duplicates} times more, expected ${expected.duplicates}`);
    else if (exact && Number(row.duplicates) < expected.duplicates) report.lost.push(`${id}: a copy of ${row.eventId} was not counted`);
    else if (row.outcome !== expected.outcome || row.timestamp !== expected.event.at || row.eventType !== expected.event.type || row.sequence !== expected.sequence) {
      report.wrong.push(`${id}: ${row.eventId} is in its history as ${JSON.stringify(row)}, expected ${expected.outcome} at ${expected.event.at}`);
    }
    seen.add(row.eventId);
  }
  for (const eventId of model.events.keys()) if (!seen.has(eventId)) report.lost.push(`${id}: ${eventId} had no effect`);
}

async function checkCounts(httpUrl: string, events: number, bad: number, orders: number, report: Report): Promise<void> {
  // biome-ignore lint/suspicious/noExplicitAny: an answer looked at field by field
  const stats = (await ask(httpUrl, "/api/stats")) as any;
  const counted = stats.events.applied + stats.events.superseded + stats.events.duplicate;
  const states = Object.values(stats.orders.byState as Record<string, number>).reduce((sum, count) => sum + count, 0);
  if (counted !== events - bad) report.wrong.push(`the API has counted ${counted} events, ${events - bad} are in ORDERS`);
  if (states !== orders) report.wrong.push(`the API has counted ${states} orders, ${orders} are in ORDERS`);
}

async function ask(httpUrl: string, path: string): Promise<Json> {
  return (await (await fetch(`${httpUrl}${path}`)).json()) as Json;
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
async function messagesOf(js: JetStreamClient, jsm: JetStreamManager, stream: string, from: number): Promise<Stored[]> {
  const { state } = await jsm.streams.info(stream);
  if (state.messages === 0 || from > state.last_seq) return [];
  const consumer = await js.consumers.get(stream, { deliver_policy: DeliverPolicy.StartSequence, opt_start_seq: from });
  const found: Stored[] = [];
  const messages = await consumer.consume({ max_messages: 2000 });
  for await (const { info, subject, headers, data } of messages) {
    found.push({
      sequence: info.streamSequence,
      subject,
      header: (name) => (headers?.has(name) ? headers.get(name) : undefined),
      body: data,
      storedAtMs: Math.floor(info.timestampNanos / 1_000_000),
    });
    if (info.pending === 0) break;
  }
  await messages.close();
  await consumer.delete();
  return found;
}
