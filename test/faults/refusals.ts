import type { DaemonProcess } from "../e2e/daemon-process.ts";
import { until } from "../until.ts";
import { pause } from "./processes.ts";
import type { World } from "./world.ts";

const PATIENCE_MS = 20_000;

/** @param output - what the daemon said when it refused. */
export function expectRefusal(output: string, expected: RegExp): void {
  if (!expected.test(output)) throw new Error(`expected a refusal like ${expected}, it said:\n${output.slice(-2000)}`);
}

/** A running daemon has to stop by itself, with exit code 1 and these words. */
export async function stopsLoudly(daemon: DaemonProcess, expected: RegExp): Promise<void> {
  const code = await Promise.race([daemon.exited, pause(PATIENCE_MS).then(() => "running")]);
  if (code !== 1) throw new Error(`expected that it stops with 1, not ${code}:\n${daemon.output().slice(-2000)}`);
  expectRefusal(daemon.output(), expected);
}

/** A running daemon has to say it on `/readyz`, or to stop with these words. */
export async function saysUnready(daemon: DaemonProcess, expected: RegExp): Promise<void> {
  let said = "";
  await until(
    `it says ${expected}`,
    async () => {
      const asked = fetch(`${daemon.httpUrl}/readyz`, { signal: AbortSignal.timeout(PATIENCE_MS) });
      const response = await asked.catch(() => undefined);
      said = response === undefined ? daemon.output() : await response.text();
      return !response?.ok && expected.test(said);
    },
    PATIENCE_MS,
  ).catch((error: Error) => {
    throw new Error(`${error.message}, it said:\n${said.slice(-2000)}`);
  });
}

/**
 * Does what a person does who trusts the refusal: accepts what it names, once, and starts again without.
 *
 * @returns the streams that had to be accepted.
 */
export async function startAsTold(world: World): Promise<string[]> {
  const accepted = new Set<string>();
  for (let left = 4; left > 0; left--) {
    const args = [...accepted].flatMap((name) => ["--accept-stream", name]);
    try {
      await world.start({ args });
      if (accepted.size === 0) return [];
      await world.settle();
      await world.daemon().stop();
      await world.start();
      return [...accepted];
    } catch (error) {
      const named = [...String(error).matchAll(/--accept-stream (\w+)/g)].map(([, name]) => name ?? "");
      if (named.every((name) => accepted.has(name))) throw error;
      for (const name of named) accepted.add(name);
    }
  }
  throw new Error(`still refused after ${[...accepted].join()} were accepted`);
}
