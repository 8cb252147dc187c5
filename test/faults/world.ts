import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { headers } from "@nats-io/transport-node";
import { orderTraffic } from "../../machines/order/traffic.ts";
import type { TrafficMessage } from "../../src/actor/actor-type.ts";
import type { CrashPoint } from "../../src/flow/crash-points.ts";
import { openSession, type Session } from "../../src/jetstream/session.ts";
import { type DaemonProcess, spawnDaemon, startDaemonProcess } from "../e2e/daemon-process.ts";
import { type ServerChanges, startTestServer, type TestServer } from "../server.ts";
import { until } from "../until.ts";
import { type Checker, openChecker } from "./checker.ts";
import { type Choices, createChoices } from "./choices.ts";
import type { Inside } from "./inside.ts";
import { endOf, pause } from "./processes.ts";
import { openProxy, type TcpProxy } from "./proxy.ts";

/** A real nats-server, real daemons on it through a proxy, publishers, and a checker that knows none of them. */
export interface World extends AsyncDisposable {
  readonly random: Choices;
  readonly server: TestServer;
  readonly proxy: TcpProxy;
  /** Ours, straight to the server. */
  readonly session: Session;
  readonly checker: Checker;
  readonly dataDir: string;
  readonly storeFile: string;
  /** The daemon of `dataDir`. */
  daemon(): DaemonProcess;
  start(options?: StartOptions): Promise<DaemonProcess>;
  /** A start that has to fail. @returns what it said; throws when it did not end with exit code 1. */
  refusal(options?: StartOptions): Promise<string>;
  /** Starts a daemon that kills itself when a moment comes for the n-th time, and waits for its end. */
  doom(moment: CrashPoint, times: number): Promise<void>;
  /** Seeded traffic of new orders: duplicates, late and corrected events, several services, bad messages. */
  traffic(orders: number, bad?: number): TrafficMessage[];
  /** Publishes everything, each until it is acknowledged, whatever happens meanwhile. */
  publish(messages: readonly TrafficMessage[]): Promise<void>;
  /** Tells the daemons started with `inside` how their world is. */
  inside(control: Inside): Promise<void>;
  /** Resolves when everything stored is applied and everything decided is published, as far as the server knows. */
  settle(daemon?: DaemonProcess, timeoutMs?: number): Promise<void>;
  streamSize(stream: string): Promise<number>;
  /** What the daemon and its consumers look like now, for a message. */
  state(): Promise<string>;
  /** Counts a fault that has really struck. */
  struck(times?: number): void;
  strikes(): number;
  /** A figure to be reported. */
  note(text: string): void;
  notes(): readonly string[];
}

export interface StartOptions {
  readonly dataDir?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly args?: readonly string[];
  /** For the daemon's Node, besides ours. */
  readonly nodeOptions?: string;
}

export interface WorldOptions {
  readonly server?: ServerChanges;
  /** A directory to be used as `dataDir`; it is the caller's. */
  readonly dataDir?: string;
}

/** The daemon's default. */
export const PARTITIONS = 16;
/** Generous: the machine may be shared by many. */
const PATIENCE_MS = 60_000;
const PUBLISHERS = 100;
/** A daemon whose loop is held up does not answer at all. */
const ANSWER_MS = 5000;

export async function openWorld(seed: number, options: WorldOptions = {}): Promise<World> {
  const random = createChoices(seed);
  const server = await startTestServer(options.server);
  const proxy = await openProxy(server.port);
  const session = await openSession({ url: server.url, name: "faults" }, () => {});
  const checker = await openChecker(server.url);
  const scratch = mkdtempSync(join(tmpdir(), "natstate-faults-"));
  const dataDir = options.dataDir ?? join(scratch, "data");
  mkdirSync(dataDir, { recursive: true });
  const controlFile = join(scratch, "inside.json");
  const running = new Map<string, DaemonProcess>();
  const notes: string[] = [];
  let latest: DaemonProcess | undefined;
  let strikes = 0;
  let isOver = false;
  let trafficCalls = 0;

  function environment({ dataDir: dir = dataDir, env = {}, nodeOptions = "" }: StartOptions) {
    return {
      NATS_URL: proxy.url,
      NATSTATE_DATA: dir,
      FAULTS_CONTROL: controlFile,
      NODE_OPTIONS: `--import ${join(import.meta.dirname, "inside.ts")} ${nodeOptions}`,
      ...env,
    };
  }

  async function publishOne({ subject, body, headers: given = {} }: TrafficMessage): Promise<void> {
    const header = headers();
    for (const [name, value] of Object.entries(given)) header.set(name, value);
    const deadline = Date.now() + 3 * PATIENCE_MS;
    for (;;) {
      try {
        await session.js.publish(subject, body, { headers: header, timeout: 2000 });
        return;
      } catch (error) {
        if (isOver || Date.now() > deadline) throw new Error("a message could not be published", { cause: error });
        await pause(100);
      }
    }
  }

  const streamSize = async (stream: string) => (await session.jsm.streams.info(stream)).state.messages;

  async function isSettled(daemon: DaemonProcess): Promise<boolean> {
    const { config } = await session.jsm.streams.info("ORDERS");
    const [, partitions] = /partition\((\d+),/.exec(config.subject_transform?.dest ?? "") ?? [];
    let lanes = 0;
    for await (const { name, num_pending, num_ack_pending } of session.jsm.consumers.list("ORDERS")) {
      if (!/^orders-\d+$/.test(name)) continue;
      if (num_pending + num_ack_pending > 0) return false;
      lanes++;
    }
    // One that was deleted is made again when its owner has noticed.
    if (lanes < Number(partitions)) return false;
    const response = await fetch(`${daemon.httpUrl}/readyz`, { signal: AbortSignal.timeout(ANSWER_MS) });
    const { checks } = (await response.json()) as { checks: { publisher: { detail: string } } };
    return response.ok && checks.publisher.detail.startsWith("0 ");
  }

  const world: World = {
    random,
    server,
    proxy,
    session,
    checker,
    dataDir,
    storeFile: join(dataDir, "natstate.db"),
    streamSize,
    daemon() {
      const daemon = running.get(dataDir);
      if (daemon === undefined) throw new Error(`the daemon does not run:\n${latest?.output().slice(-3000)}`);
      return daemon;
    },
    async start(given = {}) {
      const env = environment(given);
      const daemon = await startDaemonProcess(env, given.args, PATIENCE_MS);
      running.set(env.NATSTATE_DATA, daemon);
      latest = daemon;
      void daemon.exited.then(() => {
        if (running.get(env.NATSTATE_DATA) === daemon) running.delete(env.NATSTATE_DATA);
      });
      return daemon;
    },
    async refusal(given = {}) {
      const { code, output } = await endOf(spawnDaemon(environment(given), given.args), PATIENCE_MS);
      if (code !== 1) throw new Error(`expected a refusal, it ended with ${code}:\n${output}`);
      return output;
    },
    async doom(moment, times) {
      const crash = { NODE_ENV: "test", NATSTATE_TEST_CRASH: `${moment}:${times}`, NATSTATE_BATCH_EVENTS: "20" };
      const { signal, output } = await endOf(spawnDaemon(environment({ env: crash })), PATIENCE_MS);
      if (signal !== "SIGKILL") throw new Error(`${moment}:${times} did not kill the daemon:\n${output}`);
      strikes++;
    },
    traffic: (orders, bad = 3) =>
      orderTraffic({
        actors: orders,
        seed: random.whole(1, 1_000_000_000),
        duplicates: 0.2,
        late: 0.1,
        fail: 0.3,
        shuffle: orders,
        malformed: bad,
        idPrefix: `t${++trafficCalls}-`,
      }),
    async publish(messages) {
      const queue = messages.values();
      const publisher = async () => {
        for (const message of queue) await publishOne(message);
      };
      await Promise.all(Array.from({ length: PUBLISHERS }, publisher));
    },
    async inside(control) {
      writeFileSync(controlFile, JSON.stringify(control));
      // Read every 50 ms.
      await pause(150);
    },
    async settle(daemon = world.daemon(), timeoutMs = PATIENCE_MS) {
      let ended = false;
      void daemon.exited.then(() => {
        ended = true;
      });
      const settled = () => isSettled(daemon).catch(() => false);
      // A session that begins anew may look, for a moment, like one that is done.
      const twice = async () => {
        if (ended) throw new Error("the daemon has ended");
        if (!(await settled())) return false;
        await pause(200);
        return settled();
      };
      await until("settled", twice, timeoutMs).catch((error) => {
        throw new Error(`${error.message}\n${daemon.output().slice(-3000)}`);
      });
    },
    async state() {
      const daemon = world.daemon();
      const readiness = await fetch(`${daemon.httpUrl}/readyz`, { signal: AbortSignal.timeout(ANSWER_MS) }).then(
        (response) => response.text(),
        (error: Error) => `no answer: ${error.message}`,
      );
      const consumers: string[] = [];
      for await (const { name, num_pending, num_ack_pending, delivered } of session.jsm.consumers.list("ORDERS")) {
        consumers.push(`${name}: ${num_pending} + ${num_ack_pending} pending, delivered ${delivered.stream_seq}`);
      }
      return [readiness, ...consumers, daemon.output().slice(-3000)].join("\n");
    },
    struck(times = 1) {
      strikes += times;
    },
    strikes: () => strikes,
    note: (text) => void notes.push(text),
    notes: () => notes,
    async [Symbol.asyncDispose]() {
      isOver = true;
      for (const daemon of running.values()) {
        daemon.signal("SIGCONT");
        await daemon.kill9();
      }
      await checker.close();
      await session.close();
      await proxy[Symbol.asyncDispose]();
      await server.stop();
      rmSync(scratch, { recursive: true, force: true });
    },
  };
  return world;
}
