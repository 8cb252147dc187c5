import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TrafficMessage } from "../../src/actor/actor-type.ts";
import type { CrashPoint } from "../../src/flow/crash-points.ts";
import { openSession, type Session } from "../../src/jetstream/session.ts";
import type { DaemonProcess } from "../e2e/daemon-process.ts";
import { type Checker, openChecker } from "./checker.ts";
import { type Choices, createChoices } from "./choices.ts";
import type { Inside } from "./inside.ts";
import { pause } from "./processes.ts";
import { createDaemons, type StartOptions } from "./world-daemons.ts";
import { createPublishers, type Published } from "./world-publishers.ts";
import { describeState, settle } from "./world-state.ts";

/** Real daemons, publishers, and a checker that knows none of them, wherever their NATS is. */
export interface Stage extends AsyncDisposable {
  readonly random: Choices;
  /** Ours, straight to NATS. */
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
  publish(messages: readonly Published[]): Promise<void>;
  /** Tells the daemons started with `inside` how their world is. */
  inside(control: Inside): Promise<void>;
  /** Resolves when everything stored is applied and everything decided is published, as far as NATS knows. */
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

/** Where a stage's NATS is, and what is to be known of it. */
export interface Place {
  /** For us. */
  readonly url: string;
  /** For the daemons, with what else they need to be told. */
  readonly daemonEnv: Readonly<Record<string, string>> & { readonly NATS_URL: string };
  /** Generous: the machine may be shared by many. */
  readonly patienceMs: number;
  /** A directory to be used as `dataDir`; it is the caller's. */
  readonly dataDir?: string | undefined;
}

/** The daemon's default. */
export const PARTITIONS = 16;

export async function openStage(seed: number, { url, daemonEnv, patienceMs, ...place }: Place): Promise<Stage> {
  const random = createChoices(seed);
  const session = await openSession({ url, name: "faults" }, () => {});
  const checker = await openChecker(url);
  const scratch = mkdtempSync(join(tmpdir(), "natstate-faults-"));
  const dataDir = place.dataDir ?? join(scratch, "data");
  mkdirSync(dataDir, { recursive: true });
  const controlFile = join(scratch, "inside.json");
  const notes: string[] = [];
  let strikes = 0;
  const daemons = createDaemons({ env: daemonEnv, dataDir, controlFile, patienceMs });
  const publishers = createPublishers(session, random, 3 * patienceMs);
  return {
    ...{ random, session, checker, dataDir },
    storeFile: join(dataDir, "natstate.db"),
    streamSize: async (stream) => (await session.jsm.streams.info(stream)).state.messages,
    daemon: daemons.own,
    start: daemons.start,
    refusal: daemons.refusal,
    async doom(moment, times) {
      await daemons.doom(moment, times);
      strikes++;
    },
    traffic: publishers.traffic,
    publish: publishers.publish,
    async inside(control) {
      writeFileSync(controlFile, JSON.stringify(control));
      // Read every 50 ms.
      await pause(150);
    },
    settle: (daemon = daemons.own(), timeoutMs = patienceMs) => settle(session, daemon, timeoutMs),
    state: () => describeState(session, daemons.own()),
    struck(times = 1) {
      strikes += times;
    },
    strikes: () => strikes,
    note: (text) => void notes.push(text),
    notes: () => notes,
    async [Symbol.asyncDispose]() {
      publishers.end();
      await daemons.killAll();
      await checker.close();
      await session.close();
      rmSync(scratch, { recursive: true, force: true });
    },
  };
}
