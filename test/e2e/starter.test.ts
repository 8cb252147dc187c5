import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { until } from "../until.ts";
import { COMPILED, ROOT } from "./cli-run.ts";

const hasNpm = spawnSync("npm", ["--version"]).status === 0;

/** Runs `npm start`, ends npm alone, and gives what the daemon has said by then. */
async function endNpm(signal: NodeJS.Signals): Promise<{ output: string; dataDir: string; pid: number }> {
  const dataDir = mkdtempSync(join(tmpdir(), "natstate-starter-"));
  const { PATH, HOME } = process.env;
  const env = { PATH, HOME, NODE_COMPILE_CACHE: COMPILED, NATSTATE_DATA: dataDir, NATSTATE_HTTP: "off" };
  const npm = spawn("npm", ["start"], {
    cwd: ROOT,
    env: { ...env, NATSTATE_NATS_PORT: "0" },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  for (const stream of [npm.stdout, npm.stderr]) stream.on("data", (chunk) => (output += chunk));
  const runtime = join(dataDir, "natstate.json");
  await until("it runs", () => existsSync(runtime), 60_000);
  const { pid } = JSON.parse(readFileSync(runtime, "utf8")) as { pid: number };
  const closed = once(npm.stdout, "close");
  npm.kill(signal);
  try {
    await until("the daemon has ended", () => !isAlive(pid), 20_000);
  } finally {
    if (isAlive(pid)) process.kill(pid, "SIGKILL");
  }
  await closed;
  return { output, dataDir, pid };
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

test.runIf(hasNpm && existsSync("/proc/self/stat"))(
  "npm ended by a signal takes its daemon along, which drains first",
  async () => {
    for (const { output, dataDir } of await Promise.all([endNpm("SIGTERM"), endNpm("SIGKILL")])) {
      expect(output).toContain('"msg":"stopped"');
      expect(existsSync(join(dataDir, "natstate.json"))).toBe(false);
      rmSync(dataDir, { recursive: true });
    }
  },
);
