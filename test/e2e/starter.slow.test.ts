import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { until } from "../until.ts";
import { COMPILED, ROOT } from "./cli-run.ts";

const hasNpm = spawnSync("npm", ["--version"]).status === 0;

/** Runs natstate by npm or npx, ends that alone, and gives what the daemon has said by then. */
async function endRunner(command: string, signal: NodeJS.Signals): Promise<{ output: string; dataDir: string }> {
  const dataDir = mkdtempSync(join(tmpdir(), "natstate-starter-"));
  const { PATH, HOME } = process.env;
  const env = { PATH, HOME, NODE_COMPILE_CACHE: COMPILED, NATSTATE_DATA: dataDir, NATSTATE_HTTP: "off" };
  const [file = "", ...args] = command.split(" ");
  const runner = spawn(file, args, {
    cwd: ROOT,
    env: { ...env, NATSTATE_NATS_PORT: "0" },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  for (const stream of [runner.stdout, runner.stderr]) stream.on("data", (chunk) => (output += chunk));
  const runtime = join(dataDir, "natstate.json");
  await until("it runs", () => existsSync(runtime), 60_000);
  const { pid } = JSON.parse(readFileSync(runtime, "utf8")) as { pid: number };
  const closed = once(runner.stdout, "close");
  runner.kill(signal);
  try {
    await until("the daemon has ended", () => !isAlive(pid), 20_000);
  } finally {
    if (isAlive(pid)) process.kill(pid, "SIGKILL");
  }
  await closed;
  return { output, dataDir };
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

const hasProc = existsSync("/proc/self/stat");

test.runIf(hasNpm && hasProc)("npm and npx ended by a signal take their daemon along, which drains first", async () => {
  const ended = [endRunner("npm start", "SIGKILL"), endRunner("npx --no natstate start", "SIGTERM")];
  for (const { output, dataDir } of await Promise.all(ended)) {
    expect(output).toContain('"msg":"stopped"');
    expect(existsSync(join(dataDir, "natstate.json"))).toBe(false);
    rmSync(dataDir, { recursive: true });
  }
});

/** As a daemon begins; says when its parent has gone, and a while later that it is still there. */
const CHILD = `
  const { endWithStarter } = await import("./src/cli/starter.ts");
  endWithStarter();
  // Before it is said: whoever hears it ends the parent at once.
  const parent = process.ppid;
  console.log("up", process.pid);
  const look = setInterval(() => {
    if (process.ppid === parent) return;
    clearInterval(look);
    setTimeout(() => console.log("still there"), 700);
  }, 20);
`;

test.runIf(hasProc)("a process that only inherited npm's variables outlives whoever started it", async () => {
  const env = { PATH: process.env.PATH, npm_lifecycle_event: "start", CHILD };
  // The shell between is nobody's child by then, whoever runs the tests.
  const between = `"${process.execPath}" --input-type=module -e "$CHILD" & echo "parent $$"; wait`;
  const child = spawn("sh", ["-c", 'sh -c "$BETWEEN" &'], { cwd: ROOT, env: { ...env, BETWEEN: between } });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk) => (output += chunk));
  const closed = once(child.stdout, "close");
  await once(child, "exit");
  await until("it is up", () => /up \d/.test(output) && /parent \d/.test(output), 20_000);
  process.kill(Number(/parent (\d+)/.exec(output)?.[1]), "SIGKILL");
  await closed;
  expect(output).toContain("still there");
});
