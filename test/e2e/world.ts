import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { headers } from "@nats-io/transport-node";
import { expect } from "vitest";
import { orderType } from "../../machines/order/order.ts";
import type { ActorType, ExpectedActor, TrafficMessage, TrafficOptions } from "../../src/actor/actor-type.ts";
import { decodeContent } from "../../src/actor/decision.ts";
import { rehearsalOf } from "../../src/demo/traffic.ts";
import { openSession, type Session } from "../../src/jetstream/session.ts";
import { readStream } from "../../src/jetstream/stream-reader.ts";
import { startTestServer, type TestServer } from "../server.ts";
import { until } from "../until.ts";
import { type DaemonProcess, startDaemonProcess } from "./daemon-process.ts";

const type = orderType as ActorType;

/** A real nats-server, a client of it, a data directory, and what must come of what was published. */
export interface World<Server = TestServer> extends AsyncDisposable {
  readonly server: Server;
  readonly session: Session;
  readonly dataDir: string;
  readonly storeFile: string;
  start(env?: Record<string, string>, args?: readonly string[]): Promise<DaemonProcess>;
  /** Publishes in order, a few hundred at a time, each until it is acknowledged. Resolves when all are. */
  publish(messages: readonly TrafficMessage[]): Promise<void>;
  /** Resolves when everything stored is applied and every decision taken is published. */
  settle(daemon: DaemonProcess, timeoutMs?: number): Promise<void>;
  /** Holds every order and the whole of DECISIONS and DEAD_LETTERS against the independent model. */
  check(daemon: DaemonProcess, messages: readonly TrafficMessage[]): Promise<void>;
  /** The streams alone. */
  checkStreams(messages: readonly TrafficMessage[]): Promise<void>;
  streamSize(stream: string): Promise<number>;
}

/** Seeded traffic in which everything goes wrong that a publisher can do. */
export function traffic(actors: number, seed: number, options: Partial<TrafficOptions> = {}): TrafficMessage[] {
  const wrong = { duplicates: 0.2, late: 0.1, fail: 0.3, shuffle: actors, malformed: 14 };
  return rehearsalOf(type).traffic({ actors, seed, ...wrong, ...options });
}

/** `await using world = await openWorld()`. @param server - one that runs already, such as a daemon's own. */
export async function openWorld(): Promise<World>;
export async function openWorld<Server extends Pick<TestServer, "url" | "stop">>(
  server: Server,
): Promise<World<Server>>;
export async function openWorld(server?: Pick<TestServer, "url" | "stop">): Promise<World<unknown>> {
  return server === undefined ? open(await startTestServer()) : open(server);
}

async function open<Server extends Pick<TestServer, "url" | "stop">>(server: Server): Promise<World<Server>> {
  const session = await openSession({ url: server.url, name: "test" }, () => {});
  const dataDir = mkdtempSync(join(tmpdir(), "natstate-e2e-"));
  const running = new Set<DaemonProcess>();

  async function publishOne(message: TrafficMessage): Promise<void> {
    const header = headers();
    for (const [name, value] of Object.entries(message.headers ?? {})) header.set(name, value);
    for (;;) {
      try {
        await session.js.publish(message.subject, message.body, { headers: header, timeout: 2000 });
        return;
      } catch {
        await until("NATS is back", () => session.isConnected(), 30_000);
      }
    }
  }

  async function checkStreams(messages: readonly TrafficMessage[]): Promise<void> {
    await checkDecisions(session, rehearsalOf(type).expect(messages));
    await checkDeadLetters(session, messages);
  }

  const streamSize = async (stream: string) => (await session.jsm.streams.info(stream)).state.messages;

  return {
    server,
    session,
    dataDir,
    storeFile: join(dataDir, "natstate.db"),
    streamSize,
    async start(env = {}, args = []) {
      const daemon = await startDaemonProcess({ NATS_URL: server.url, NATSTATE_DATA: dataDir, ...env }, args);
      running.add(daemon);
      void daemon.exited.then(() => running.delete(daemon));
      return daemon;
    },
    async publish(messages) {
      let next = 0;
      const worker = async () => {
        for (let message = messages[next++]; message !== undefined; message = messages[next++])
          await publishOne(message);
      };
      await Promise.all(Array.from({ length: 100 }, worker));
    },
    async settle(daemon, timeoutMs = 90_000) {
      const total = await streamSize("ORDERS");
      const sum = (counts: Record<string, number>) => Object.values(counts).reduce((all, count) => all + count, 0);
      let seen = "";
      await until(
        `settled: ${total} stored`,
        async () => {
          const stats = await getJson(daemon, "/api/stats").catch(() => undefined);
          if (stats === undefined) return false;
          seen = JSON.stringify(stats);
          if (sum(stats.events) + sum(stats.deadLetters.byReason) < total) return false;
          return (
            (await streamSize("DECISIONS")) >= sum(stats.decisions.byType) &&
            (await streamSize("DEAD_LETTERS")) >= sum(stats.deadLetters.byReason)
          );
        },
        timeoutMs,
      ).catch((error: Error) => {
        throw new Error(`${error.message}\n${seen}\n${daemon.output()}`);
      });
    },
    async check(daemon, messages) {
      await checkOrders(daemon, rehearsalOf(type).expect(messages));
      await checkStreams(messages);
    },
    checkStreams,
    async [Symbol.asyncDispose]() {
      for (const daemon of running) await daemon.kill9();
      await session.close();
      await server.stop();
      rmSync(dataDir, { recursive: true, force: true });
    },
  };
}

// biome-ignore lint/suspicious/noExplicitAny: answers are compared field by field
export async function getJson(daemon: DaemonProcess, path: string): Promise<any> {
  return (await fetch(`${daemon.httpUrl}${path}`)).json();
}

async function checkOrders(daemon: DaemonProcess, expected: Map<string, ExpectedActor>): Promise<void> {
  for (const [id, model] of expected) {
    const order = await getJson(daemon, `/api/orders/${id}`);
    expect(order, id).toMatchObject({
      orderId: id,
      processingStatus: model.state,
      dataCompleteness: model.completeness,
      version: model.events,
      ...model.view,
    });
    const standing = order.decision === null ? null : decodeContent(type, JSON.stringify(order.decision));
    expect(standing, id).toEqual(model.decision);
  }
}

/** An order's decisions as published: revisions 1 to n, each another than the one before, the last one `standing`. */
export function expectRevisions(
  id: string,
  payloads: readonly string[],
  standing: ExpectedActor["decision"] | undefined,
): void {
  const revisions = payloads.map((payload) => JSON.parse(payload).revision);
  expect(revisions, `revisions of ${id}`).toEqual(payloads.map((_, index) => index + 1));
  const contents = payloads.map((payload) => decodeContent(type, payload));
  for (const [index, content] of contents.entries()) expect(content, id).not.toEqual(contents[index - 1]);
  const last = contents.at(-1);
  expect(last?.decisionType === type.withdrawn ? null : last, id).toEqual(standing);
}

async function checkDecisions(session: Session, expected: Map<string, ExpectedActor>): Promise<void> {
  const published = new Map<string, string[]>();
  for await (const batch of readStream(session, "DECISIONS")) {
    for (const { subject, body } of batch) {
      const id = subject.slice("decisions.orders.".length);
      published.set(id, [...(published.get(id) ?? []), Buffer.from(body).toString()]);
    }
  }
  for (const [id, payloads] of published) expectRevisions(id, payloads, expected.get(id)?.decision);
  for (const [id, model] of expected) if (model.decision !== null) expect(published.has(id), id).toBe(true);
}

async function checkDeadLetters(session: Session, messages: readonly TrafficMessage[]): Promise<void> {
  const found: string[] = [];
  const sequences = new Set<string>();
  for await (const batch of readStream(session, "DEAD_LETTERS")) {
    for (const { header, body } of batch) {
      sequences.add(header("Natstate-Sequence") ?? "");
      found.push(`${header("Natstate-Reason")} ${Buffer.from(body).toString("base64")}`);
    }
  }
  const sent = messages.filter((message) => message.rejectedAs !== undefined);
  const expected = sent.map(
    ({ rejectedAs, body }) => `${rejectedAs} ${Buffer.from(body as string).toString("base64")}`,
  );
  expect(sequences.size, "dead letters are published once").toBe(found.length);
  // A publisher that retries may have stored one twice.
  expect(new Set(found)).toEqual(new Set(expected));
}
