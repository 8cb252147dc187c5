import { execFile } from "node:child_process";
import { mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { promisify } from "node:util";

/** What is kept in a data directory (an absolute path) beside the streams. */
export function serverFiles(dataDir: string) {
  return {
    /** The daemon that owns the directory, as JSON. */
    ownerFile: join(dataDir, "nats-server.owner.json"),
    pidFile: join(dataDir, "nats-server.pid"),
    configFile: join(dataDir, "nats-server.conf"),
    logFile: join(dataDir, "nats-server.log"),
  };
}

/** The directory is in use, or what a dead daemon left running cannot be ended. The message names the processes. */
export class ServerOwnerError extends Error {
  override name = "ServerOwnerError";
}

/**
 * Takes a data directory for this process, and ends the server that a killed daemon left running on it:
 * two servers on one store would corrupt it.
 *
 * Only a process whose command line names this directory's configuration file is ever signalled.
 *
 * @param log - told about a leftover.
 * @param graceMs - how long a leftover may take to end after SIGTERM, before SIGKILL.
 * @throws ServerOwnerError when the daemon that owns the directory is alive.
 */
export async function takeDataDir(dataDir: string, log: (line: string) => void, graceMs: number): Promise<void> {
  await mkdir(dataDir, { recursive: true });
  const { ownerFile } = serverFiles(dataDir);
  const owner = await readOwner(ownerFile);
  if (owner && owner.identity === (await processIdentity(owner.pid))) {
    const who = owner.pid === process.pid ? "this process" : `process ${owner.pid}`;
    throw new ServerOwnerError(
      `${dataDir} is in use: ${who} runs a nats-server on it. Stop that first; or, for a second daemon on the same NATS, give it its own NATSTATE_DATA and the NATS_URL of that server.`,
    );
  }
  await endLeftover(dataDir, log, graceMs);
  const self = { pid: process.pid, identity: await processIdentity(process.pid) };
  await writeFile(`${ownerFile}.${process.pid}`, JSON.stringify(self));
  await rename(`${ownerFile}.${process.pid}`, ownerFile);
}

/**
 * Ends the server that a killed daemon left running on a data directory, for those who had used it with that daemon.
 * One whose owner lives is left alone.
 */
export async function endOrphan(dataDir: string, log: (line: string) => void, graceMs: number): Promise<void> {
  const owner = await readOwner(serverFiles(dataDir).ownerFile);
  if (owner && owner.identity === (await processIdentity(owner.pid))) return;
  await endLeftover(dataDir, log, graceMs);
  await leaveDataDir(dataDir);
}

/** Gives the directory back; call it when the server has ended. */
export async function leaveDataDir(dataDir: string): Promise<void> {
  const { ownerFile, pidFile } = serverFiles(dataDir);
  await rm(pidFile, { force: true });
  await rm(ownerFile, { force: true });
}

async function endLeftover(dataDir: string, log: (line: string) => void, graceMs: number): Promise<void> {
  const { pidFile, configFile } = serverFiles(dataDir);
  const pid = Number(await readFile(pidFile, "utf8").catch(() => ""));
  if (!Number.isSafeInteger(pid) || pid <= 1) return;
  for (const signal of ["SIGTERM", "SIGKILL"] as const) {
    if (!(await runsWith(pid, configFile))) return;
    log(`ending nats-server ${pid}, left running on ${dataDir} by a daemon that died (${signal})`);
    process.kill(pid, signal);
    const deadline = Date.now() + graceMs;
    while (Date.now() < deadline && (await runsWith(pid, configFile))) await delay(20);
  }
  if (await runsWith(pid, configFile))
    throw new ServerOwnerError(`nats-server ${pid} runs on ${dataDir} and does not end`);
}

async function readOwner(ownerFile: string): Promise<{ pid: number; identity: string } | undefined> {
  const text = await readFile(ownerFile, "utf8").catch(() => "{}");
  try {
    const { pid, identity } = JSON.parse(text) as Record<string, unknown>;
    return typeof pid === "number" && typeof identity === "string" ? { pid, identity } : undefined;
  } catch {
    // Cut short by a power cut: whoever wrote it is gone.
    return undefined;
  }
}

/**
 * Tells one process from a later one that was given the same pid (in a container every start has the same few pids).
 *
 * @returns the boot and the start time of the process, or undefined when it does not run (or is a zombie).
 */
export async function processIdentity(pid: number): Promise<string | undefined> {
  const status = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => undefined);
  if (status !== undefined) {
    // proc_pid_stat(5): after the name in parentheses, field 3 is the state and field 22 the start time.
    const fields = status.slice(status.lastIndexOf(")") + 2).split(" ");
    const boot = await readFile("/proc/sys/kernel/random/boot_id", "utf8").catch(() => "");
    return /^[ZX]$/.test(fields[0] ?? "") ? undefined : `${boot.trim()} ${fields[19]}`;
  }
  if (process.platform === "linux" || !isAlive(pid)) return undefined;
  if (process.platform === "win32") return "unknown";
  return (await ps(pid, "lstart=")) || undefined;
}

async function runsWith(pid: number, configFile: string): Promise<boolean> {
  if ((await processIdentity(pid)) === undefined) return false;
  if (process.platform === "linux") {
    const commandLine = await readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "");
    return commandLine.split("\0").includes(configFile);
  }
  if (process.platform === "win32")
    throw new ServerOwnerError(`process ${pid} may be a nats-server left running: end it, then delete ${configFile}`);
  return (await ps(pid, "command=")).includes(configFile);
}

async function ps(pid: number, column: string): Promise<string> {
  const answer = await promisify(execFile)("ps", ["-o", column, "-p", String(pid)]).catch(() => ({ stdout: "" }));
  return answer.stdout.trim();
}

/** Does a process run, perhaps as another user's? */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && "code" in error && error.code === "EPERM";
  }
}
