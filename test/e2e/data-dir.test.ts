import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, chownSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import Database from "better-sqlite3";
import { afterEach, beforeEach, expect, test } from "vitest";
import { takeDataDir } from "../../src/daemon/data-dir.ts";
import { until } from "../until.ts";
import { type Ran, ROOT, runCli, startCli } from "./cli-run.ts";

const NOBODY = 65_534;
const isRoot = process.getuid?.() === 0;

let dir = "";
let env: Record<string, string> = {};
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "natstate-files-"));
  env = { NATSTATE_DATA: join(dir, "data"), NATSTATE_HTTP: "off", NATSTATE_NATS_PORT: "0" };
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

/** Every file and directory below, and who else may do something with it. A server that runs takes its drafts away meanwhile. */
function openToOthers(path: string): string[] {
  return ["", ...readdirSync(path, { recursive: true }).map(String)].flatMap((name) => {
    const mode = statSync(join(path, name), { throwIfNoEntry: false })?.mode ?? 0;
    return (mode & 0o077) === 0 ? [] : [`${name || "."} ${(mode & 0o777).toString(8)}`];
  });
}

async function running(): Promise<{ stop(): Promise<Ran> }> {
  const daemon = startCli(["start"], env);
  const ended = daemon.ran.then(({ stderr }) => {
    throw new Error(stderr);
  });
  await Promise.race([ended, until("it runs", () => daemon.stdout().includes("natstate is running"), 30_000)]);
  ended.catch(() => {});
  return {
    stop() {
      daemon.kill("SIGTERM");
      return daemon.ran;
    },
  };
}

test("whatever the umask, what it writes is its owner's only; and so is what was there, even while somebody reads the lock", async () => {
  const data = join(dir, "data");
  const before = process.umask(0);
  mkdirSync(data);
  for (const name of ["natstate.db", "natstate.db.before-rebuild"]) new Database(join(data, name)).close();
  const lock = new Database(join(data, "natstate.db.lock"));
  lock.exec("CREATE TABLE a (b); BEGIN");
  lock.prepare("SELECT * FROM a").all();
  writeFileSync(join(data, "instance-id"), "a");
  try {
    expect(openToOthers(data)).toHaveLength(5);
    const daemon = await running();
    expect(openToOthers(data)).toEqual([]);
    expect((await runCli(["backup", join(dir, "copy.db")], env)).code).toBe(0);
    await daemon.stop();
  } finally {
    lock.close();
    process.umask(before);
  }
  expect(statSync(join(dir, "copy.db")).mode & 0o777).toBe(0o600);
  expect(readdirSync(data)).toEqual(expect.arrayContaining(["nats", "natstate.db", "instance-id"]));
  expect(openToOthers(data)).toEqual([]);
});

test("a directory that holds other things, too, is not closed to others", () => {
  for (const name of ["somebody-elses", "natstate.db"]) writeFileSync(join(dir, name), "", { mode: 0o644 });
  chmodSync(dir, 0o755);
  takeDataDir({ NATSTATE_DATA: dir }, expect.unreachable);
  expect(openToOthers(dir)).toEqual([". 755", "somebody-elses 644"]);
});

/** Runs `natstate <args>` with a data directory, as a user who owns nothing of root's. */
async function asNobody(dataDir: string, ...args: string[]): Promise<Ran> {
  const own = { ...env, PATH: process.env.PATH ?? "", NATSTATE_DATA: dataDir };
  const who = isRoot ? { uid: NOBODY, gid: NOBODY } : {};
  const child: ChildProcess = spawn(process.execPath, ["src/cli.ts", ...args], { cwd: ROOT, env: own, ...who });
  let [stdout, stderr] = ["", ""];
  child.stdout?.on("data", (chunk) => (stdout += chunk));
  child.stderr?.on("data", (chunk) => (stderr += chunk));
  const [code] = await once(child, "close");
  return { code, stdout, stderr };
}

test("whoever may not read the data directory asks for health where NATSTATE_HTTP says", async () => {
  const closed = join(dir, "closed");
  mkdirSync(closed);
  writeFileSync(join(closed, "natstate.json"), "{}");
  chmodSync(dir, 0o755);
  chmodSync(closed, isRoot ? 0o700 : 0o000);
  const api = createServer((_request, response) => response.end('{"ready":true,"checks":{}}'));
  await once(api.listen(0, "127.0.0.1"), "listening");
  env.NATSTATE_HTTP = `127.0.0.1:${(api.address() as AddressInfo).port}`;
  expect(await asNobody(closed, "health", "--json")).toMatchObject({
    code: 0,
    stdout: expect.stringContaining("true"),
  });
  await new Promise((resolve) => api.close(resolve));
  expect(await asNobody(closed, "health", "--json")).toMatchObject({
    code: 4,
    stdout: expect.stringContaining('"ready": false'),
  });
  chmodSync(closed, 0o700);
});

/** Also what root may not do. */
const NO_DIRECTORY = "/proc/sys";
const OWN_IT = /^natstate: EACCES: .*: run this as the user that owns it, or give it to this one.*\n$/;

test("a data directory that cannot be written or read is said in one line, with what to do", async () => {
  const [fixed, closed, left] = ["fixed", "closed", "left"].map((name) => join(dir, name)) as [string, string, string];
  for (const path of [fixed, closed, left]) mkdirSync(path);
  chmodSync(dir, 0o755);
  chmodSync(fixed, 0o555);
  chmodSync(closed, isRoot ? 0o700 : 0o000);
  // By somebody else, such as a start by root: the directory is this user's, and what is in it is not.
  writeFileSync(join(left, "natstate.db"), "", { mode: isRoot ? 0o600 : 0o400 });
  if (isRoot) chownSync(left, NOBODY, NOBODY);
  const [start, startLeft, backup, list, nowhere] = await Promise.all([
    asNobody(fixed, "start"),
    isRoot ? asNobody(left, "start") : undefined,
    asNobody(closed, "backup", "/tmp/never.db"),
    asNobody(closed, "list"),
    runCli(["start"], { ...env, NATSTATE_DATA: NO_DIRECTORY }),
  ]);
  const user = isRoot ? NOBODY : process.getuid?.();
  expect(start).toEqual({
    code: 1,
    stdout: "",
    stderr: `natstate: ${fixed}/natstate.db.lock cannot be opened or written (unable to open database file): this user (${user}) has to own ${fixed} and what is in it (chown -R)\n`,
  });
  if (startLeft !== undefined) expect(startLeft.stderr).toMatch(/natstate\.db cannot be opened .* has to own .*\n$/);
  expect(backup.stderr).toMatch(OWN_IT);
  expect(list.stderr).toMatch(OWN_IT);
  expect({ code: nowhere.code, lines: nowhere.stderr.split("\n").length }).toEqual({ code: 1, lines: 2 });
  for (const path of [fixed, closed]) chmodSync(path, 0o700);
});
