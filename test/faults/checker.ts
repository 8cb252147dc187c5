import { jetstream, jetstreamManager } from "@nats-io/jetstream";
import { connect } from "@nats-io/transport-node";
import { ask, checkCounts, checkHistory, checkOrder } from "./checker-answers.ts";
import { newOrder } from "./checker-orders.ts";
import {
  checkDeadLetters,
  checkDecisions,
  decisionsByOrder,
  type OutputStream,
  type Report,
} from "./checker-outputs.ts";
import { createPast } from "./checker-past.ts";

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
  const nc = await connect({ servers: natsUrl.split(","), maxReconnectAttempts: -1, reconnectTimeWait: 200 });
  const js = jetstream(nc);
  const jsm = await jetstreamManager(nc, { checkAPI: false });
  const givenUp = new Set<string>();
  const past = createPast(js, jsm);

  async function compare(httpUrl: string, options: Required<CheckOptions>): Promise<Findings> {
    const { exact, sample } = options;
    await past.read();
    const { orders, bad } = past;
    const report: Report = { lost: [], doubled: [], wrong: [] };
    const decisions = await past.allDecisions();
    const published = decisionsByOrder(decisions, report);
    checkDecisions(published, orders, { givenUp, exact }, report);
    const letters = await past.outputs("DEAD_LETTERS", "deadletters.orders.");
    checkDeadLetters(letters, bad, report);
    const ids = [...orders.keys()];
    const step = Math.max(1, Math.ceil(ids.length / sample));
    const answers = new Map<string, string>();
    const askFor = async (id: string) => {
      const order = await ask(httpUrl, `/api/orders/${id}`);
      const history = await ask(httpUrl, `/api/orders/${id}/history`);
      answers.set(id, JSON.stringify({ order: whenever(order), history: whenever(history) }));
      const model = orders.get(id) ?? newOrder();
      checkOrder({ id, answer: order, model }, published.get(id) ?? [], report);
      checkHistory({ id, answer: history, model }, options, report);
    };
    await eachOf(
      ids.filter((_, index) => index % step === 0),
      askFor,
    );
    const counts = { events: past.events(), bad: bad.length, orders: orders.size };
    if (exact) await checkCounts(httpUrl, counts, report);
    return { ...counts, decisions: decisions.length, deadLetters: letters.length, ...report, answers };
  }

  return {
    read: past.read,
    readDecisions: past.readDecisions,
    passOver: past.passOver,
    giveUp(orderIds) {
      for (const id of orderIds) givenUp.add(id);
    },
    isConnected: () => jsm.getAccountInfo().then(() => true),
    forget: past.forget,
    check: (httpUrl, { exact = true, inOrder = true, sample = Number.POSITIVE_INFINITY } = {}) =>
      compare(httpUrl, { exact, inOrder, sample }),
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

/** Without whether its partition is still being read. */
function whenever<Answer extends object>(answer: Answer): object {
  const { catchingUp: _catchingUp, asOf: _asOf, ...rest } = answer as Record<string, unknown>;
  return rest;
}
