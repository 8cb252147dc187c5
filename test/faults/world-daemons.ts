import { join } from "node:path";
import type { CrashPoint } from "../../src/flow/crash-points.ts";
import { type DaemonProcess, spawnDaemon, startDaemonProcess } from "../e2e/daemon-process.ts";
import { endOf } from "./processes.ts";

export interface StartOptions {
  readonly dataDir?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly args?: readonly string[];
  /** For the daemon's Node, besides ours. */
  readonly nodeOptions?: string;
}

interface DaemonsOptions {
  /** Where their NATS is, and what else all of them are told. */
  readonly env: Readonly<Record<string, string>>;
  readonly dataDir: string;
  /** By which a daemon is told how its world is, see `inside.ts`. */
  readonly controlFile: string;
  /** For a start, or an end. */
  readonly patienceMs: number;
}

/** The daemons of one world, by data directory. */
export interface Daemons {
  /** The one of the world's own data directory; throws while there is none. */
  own(): DaemonProcess;
  start(options?: StartOptions): Promise<DaemonProcess>;
  /** See `Stage`. */
  refusal(options?: StartOptions): Promise<string>;
  /** See `Stage`. */
  doom(moment: CrashPoint, times: number): Promise<void>;
  killAll(): Promise<void>;
}

export function createDaemons({ env: shared, dataDir, controlFile, patienceMs }: DaemonsOptions): Daemons {
  const running = new Map<string, DaemonProcess>();
  let latest: DaemonProcess | undefined;

  function environment({ dataDir: dir = dataDir, env = {}, nodeOptions = "" }: StartOptions) {
    return {
      ...shared,
      NATSTATE_DATA: dir,
      FAULTS_CONTROL: controlFile,
      NODE_OPTIONS: `--import ${join(import.meta.dirname, "inside.ts")} ${nodeOptions}`,
      ...env,
    };
  }

  return {
    own() {
      const daemon = running.get(dataDir);
      if (daemon === undefined) throw new Error(`the daemon does not run:\n${latest?.output().slice(-3000)}`);
      return daemon;
    },
    async start(given = {}) {
      const env = environment(given);
      const daemon = await startDaemonProcess(env, given.args, patienceMs);
      running.set(env.NATSTATE_DATA, daemon);
      latest = daemon;
      void daemon.exited.then(() => {
        if (running.get(env.NATSTATE_DATA) === daemon) running.delete(env.NATSTATE_DATA);
      });
      return daemon;
    },
    async refusal(given = {}) {
      const { code, output } = await endOf(spawnDaemon(environment(given), given.args), patienceMs);
      if (code !== 1) throw new Error(`expected a refusal, it ended with ${code}:\n${output}`);
      return output;
    },
    async doom(moment, times) {
      const crash = { NODE_ENV: "test", NATSTATE_TEST_CRASH: `${moment}:${times}`, NATSTATE_BATCH_EVENTS: "20" };
      const { signal, output } = await endOf(spawnDaemon(environment({ env: crash })), patienceMs);
      if (signal !== "SIGKILL") throw new Error(`${moment}:${times} did not kill the daemon:\n${output}`);
    },
    async killAll() {
      for (const daemon of running.values()) {
        daemon.signal("SIGCONT");
        await daemon.kill9();
      }
    },
  };
}
